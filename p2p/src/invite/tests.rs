//! Tests of the promises of `invite`.

use proptest::prelude::*;

use super::*;

fn invite(addresses: Vec<String>) -> Invite {
    Invite {
        grid: GridId::from_bytes([1; 32]),
        peer: PeerId::from_bytes([2; 32]),
        addresses,
        token: [3; 16],
        expires_secs: 1_800_000_000,
    }
}

fn usual() -> Invite {
    invite(vec!["/ip4/192.168.1.7/tcp/4500".to_owned(), "/dns4/ada.example/tcp/4500".to_owned()])
}

/// A text with a right checksum around these bytes.
fn text_of(bytes: &[u8]) -> String {
    bech32::encode_lower::<Bech32m>(HRP, bytes).expect("short")
}

#[test]
fn an_invitation_survives_being_written_read_out_and_pasted() {
    let text = usual().to_string();
    assert!(text.starts_with("gbak1"), "{text}");
    assert!(text.len() < 350, "{} characters", text.len());
    let wrapped = format!("{}\r\n    {}\n{}", &text[..70], &text[70..140], &text[140..]);
    for form in [text.clone(), text.to_uppercase(), format!("  {text}\n"), wrapped] {
        assert_eq!(form.parse(), Ok(usual()), "{form}");
    }
}

#[test]
fn every_mistyped_character_is_found() {
    let text = usual().to_string();
    for at in 5..text.len() {
        let mut typo = text.clone().into_bytes();
        typo[at] = if typo[at] == b'q' { b'p' } else { b'q' };
        let typo = String::from_utf8(typo).expect("ascii");
        assert_eq!(typo.parse::<Invite>(), Err(InviteError::Typo), "at {at}");
    }
}

#[test]
fn a_cut_or_lengthened_invitation_is_a_typo() {
    let text = usual().to_string();
    for len in 5..text.len() {
        assert_eq!(text[..len].parse::<Invite>(), Err(InviteError::Typo), "{len} characters");
    }
    assert_eq!(format!("{text}q").parse::<Invite>(), Err(InviteError::Typo));
}

#[test]
fn what_is_no_invitation_at_all_is_said_so() {
    let texts = ["", "gbak", "hello", "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "gbäk1", "é"];
    for text in texts {
        assert_eq!(text.parse::<Invite>(), Err(InviteError::NotAnInvite), "{text}");
    }
    let long = format!("gbak1{}", "q".repeat(TEXT_LIMIT));
    assert_eq!(long.parse::<Invite>(), Err(InviteError::TooLong));
}

#[test]
fn an_invitation_of_a_newer_program_is_no_typo() {
    let newer = text_of(&[2, 0xa0]);
    assert_eq!(newer.parse::<Invite>(), Err(InviteError::Newer { found: 2, known: 1 }));
    for bytes in [&[][..], &[1], &[1, 0xa0], &[1, 0xff, 0xff]] {
        assert_eq!(text_of(bytes).parse::<Invite>(), Err(InviteError::Malformed), "{bytes:?}");
    }
}

#[test]
fn addresses_that_do_not_fit_are_left_out_last_first() {
    let address = |no: usize| format!("/ip6/2001:db8:aaaa:bbbb:cccc:dddd:eeee:{no:04x}/tcp/45000");
    let many = invite((0..40).map(address).collect());
    let text = many.to_string();
    assert!(text.len() <= TEXT_LIMIT);
    let back: Invite = text.parse().expect("our own");
    assert!(back.addresses.len() >= 8, "{}", back.addresses.len());
    assert_eq!(back.addresses, many.addresses[..back.addresses.len()]);
    let huge = invite(vec!["x".repeat(5000), address(1)]);
    let back: Invite = huge.to_string().parse().expect("our own");
    assert_eq!(back.addresses, [address(1)]);
}

#[test]
fn more_addresses_than_allowed_are_not_read() {
    let Invite { grid, peer, token, expires_secs, .. } = usual();
    let addresses = vec![String::new(); ADDRESSES_LIMIT + 1];
    let record = InviteRecord { grid, peer, addresses, token, expires_secs };
    let text = text_of(&record.encode());
    assert_eq!(text.parse::<Invite>(), Err(InviteError::Malformed));
}

#[test]
fn invitations_of_version_1_are_read_for_ever() {
    let text = concat!(
        "gbak1qxjkze6cyqqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszctstqsqyqszqgp",
        "qyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqszqgpqyqnpvxp8sxf0d9crgte38yezuvfk8qhrzt3h9a6",
        "xxup0xs6nqvrcrghkgmnnxshkzerp9ejhsctdwpkx2tm5vdcz7dp4xqcxzazsqvpsxqcrqvpsxqcrqvp",
        "sxqcrqdsk2xntf8fqql0d6se",
    );
    assert_eq!(usual().to_string(), text);
    assert_eq!(text.parse(), Ok(usual()));
}

proptest! {
    #[test]
    fn invitations_survive_their_text(
        grid: [u8; 32],
        peer: [u8; 32],
        token: [u8; 16],
        expires_secs: u64,
        addresses in prop::collection::vec("[a-z0-9/]{0,60}", 0..7),
    ) {
        let (grid, peer) = (GridId::from_bytes(grid), PeerId::from_bytes(peer));
        let invite = Invite { grid, peer, addresses, token, expires_secs };
        prop_assert_eq!(invite.to_string().parse(), Ok(invite));
    }

    #[test]
    fn no_text_makes_the_reader_panic(text in "(gbak1)?\\PC{0,200}") {
        let _result = text.parse::<Invite>();
    }

    #[test]
    fn no_bytes_under_a_right_checksum_make_the_reader_panic(
        bytes in prop::collection::vec(any::<u8>(), 0..400),
        version: bool,
    ) {
        let mut bytes = bytes;
        if version {
            bytes.insert(0, 1);
        }
        if let Ok(invite) = text_of(&bytes).parse::<Invite>() {
            prop_assert_eq!(invite.to_string().parse(), Ok(invite));
        }
    }
}
