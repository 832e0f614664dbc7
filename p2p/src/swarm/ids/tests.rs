//! Names and addresses, ours and libp2p's.

use libp2p::identity::Keypair;
use proptest::prelude::*;

use super::*;

#[test]
fn a_device_has_one_name_here_and_one_in_libp2p() {
    let pair = Keypair::generate_ed25519();
    let public = pair.public().try_into_ed25519().unwrap();
    let ours = PeerId::from_bytes(public.to_bytes());
    let theirs = pair.public().to_peer_id();
    assert_eq!(to_net(&ours), Some(theirs));
    assert_eq!(from_net(&theirs), Some(ours));
}

#[test]
fn an_id_that_is_no_ed25519_key_is_refused() {
    // A random id is an identity multihash of 32 bytes without the key's frame.
    assert_eq!(from_net(&libp2p::PeerId::random()), None);
    // RSA and ECDSA ids are SHA-256 multihashes.
    let hashed = libp2p::PeerId::from_bytes(&[[0x12, 0x20].as_slice(), &[7; 32]].concat());
    assert_eq!(from_net(&hashed.unwrap()), None);
}

#[test]
fn only_what_can_be_dialled_over_tcp_is_an_address() {
    let peer = PeerId::from_bytes([7; 32]);
    let named = format!("/ip4/192.0.2.1/tcp/4500/p2p/{}", to_net(&peer).unwrap());
    assert_eq!(parse(&named).unwrap().1, Some(peer));
    for good in ["/ip4/127.0.0.1/tcp/1", "/ip6/::1/tcp/65535", "/dns4/nas.example/tcp/4500"] {
        let (address, peer) = parse(good).unwrap();
        assert_eq!((address.to_string().as_str(), peer), (good, None));
    }
    for bad in [
        "",
        "/",
        "nas.example:4500",
        "/ip4/192.0.2.1",
        "/ip4/192.0.2.1/udp/4500",
        "/ip4/192.0.2.1/tcp/0",
        "/ip4/0.0.0.0/tcp/4500",
        "/ip4/224.0.0.1/tcp/4500",
        "/ip4/192.0.2.1/tcp/4500/ws",
        "/ip4/192.0.2.1/tcp/4500/p2p/QmcgpsyWgH8Y8ajJz1Cu72KnS5uo2Aa2LpzU7kinSupNKC",
    ] {
        assert_eq!(parse(bad), None, "{bad}");
    }
    assert_eq!(parse(&format!("/dns4/{}/tcp/1", "a".repeat(500))), None);
}

proptest! {
    #[test]
    fn every_key_has_a_name_in_libp2p_and_back(bytes: [u8; 32]) {
        let peer = PeerId::from_bytes(bytes);
        prop_assert_eq!(to_net(&peer).and_then(|it| from_net(&it)), Some(peer));
    }

    #[test]
    fn no_text_makes_the_parser_fail(text in "\\PC{0,60}", tail in "(/[a-z0-9.:]{0,9}){0,6}") {
        parse(&text);
        parse(&tail);
    }
}
