//! Frozen results. They must never change: what is stored on the grid was made with them. A new
//! zstd may give other compressed bytes; then only `packs_with_zstd` changes, and old packs can no
//! longer be made again from plaintext, only decoded (say so in the changelog).

use chunker::{Class, CutParams, Cutter, PackBuilder, VaultKeys, encode};

use super::{block, code, cut_whole, keys, noise, prose, sample};

/// The first 16 hexadecimal digits say enough in a test.
fn short(bytes: impl AsRef<[u8]>) -> String {
    hex::encode(&bytes.as_ref()[..8])
}

fn hash(bytes: &[u8]) -> String {
    short(blake3::hash(bytes).as_bytes())
}

#[test]
fn names() {
    let keys = VaultKeys::derive(b"a secret of exactly thirty-two b");
    assert_eq!(short(keys.vault().as_bytes()), "9980ceb718f5ec23");
    let classes = [Class::Data, Class::Tree, Class::Snapshot, Class::Index];
    let ids = classes.map(|class| short(keys.chunk_id(class, b"hello").as_bytes()));
    assert_eq!(
        ids,
        ["7e0c102944a80d63", "bb827efb05658441", "e35c92fa62ae51e0", "89419e1cb8d64baa"]
    );
}

#[test]
fn cuts() {
    let lens = |file: &[u8]| -> Vec<usize> {
        let cutter = Cutter::new(&keys(1), CutParams::default());
        cut_whole(&cutter, file).iter().map(|chunk| chunk.len()).collect()
    };
    assert_eq!(
        lens(&noise(1, 500_000)),
        [66032, 16671, 68284, 77370, 70716, 75835, 77696, 22440, 24956]
    );
    assert_eq!(lens(&prose(1, 300_000)), [70048, 69774, 64188, 95990]);
    assert_eq!(lens(&vec![0; 600_000]), [262_144, 262_144, 75_712]);
}

#[test]
fn packs_without_zstd() {
    let keys = keys(1);
    let mut builder = PackBuilder::new();
    builder.push(block(&keys, Class::Data, &[&noise(1, 5000), &noise(2, 70_000)], 0));
    builder.push(block(&keys, Class::Index, &[b"index"], 0));
    let pack = builder.finish(&keys, code(4, 2), [9; 32]).unwrap();
    assert_eq!(short(pack.meta.salt), "20e6562b6a13f31f");
    assert_eq!(short(pack.meta.id.as_bytes()), "949c6fbe0899404c");
    let mut recipe = Vec::new();
    ciborium::into_writer(&pack.meta, &mut recipe).unwrap();
    assert_eq!(hash(&recipe), "04f59806d9af9489");
}

#[test]
fn packs_with_zstd() {
    let (pack, _) = sample(&keys(1), 5);
    assert_eq!(short(pack.meta.id.as_bytes()), "5cac1a52b7c5a224");
}

#[test]
fn shards() {
    let pack = bytes::Bytes::from(noise(1, 256 << 10));
    let ids = |k, m| -> Vec<String> {
        let shards = encode(code(k, m), &pack).unwrap();
        shards.iter().map(|shard| short(shard.id.as_bytes())).collect()
    };
    assert_eq!(
        ids(3, 2),
        [
            "b781d65c56a50fe5",
            "a4acab8023dd7a39",
            "c716fae83f8d4134",
            "6a5c2a3a248b47d7",
            "bb5689f1ed8b0648"
        ]
    );
    assert_eq!(ids(1, 1), ["64c2819fb59384ed", "64c2819fb59384ed"]);
    let all = ids(10, 20).concat();
    assert_eq!(hash(all.as_bytes()), "e0992e630262f79f");
}
