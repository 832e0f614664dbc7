//! `gbak bench` on real agents: the link has figures, of every holder and in sum.

use super::rig::{Rig, backup, online};

#[test]
fn a_benchmark_with_an_agent_measures_the_link_and_without_one_says_so() {
    let rig = Rig::new(3);
    let ada = &rig.agents[0];
    online(ada, 2);
    let source = rig.path("source");
    std::fs::create_dir(&source).unwrap();
    let mut noise = vec![0; 3 << 20];
    blake3::Hasher::new().update(b"link").finalize_xof().fill(&mut noise);
    std::fs::write(source.join("noise"), &noise).unwrap();
    let (dir, path) = (rig.dir.path().to_str().unwrap(), source.to_str().unwrap());
    let args = ["bench", "--size", "1MiB", "--dir", dir, "--source", path, "--json"];
    let before = ada.expect(&args).unwrap();
    assert_eq!(before["link"]["holders"].as_array().map(Vec::len), Some(0), "{before}");
    assert!(before["link"]["measured_up_bytes_per_second"].is_null(), "{before}");

    backup(ada, &source);
    let used = || {
        let peers = ada.expect(&["peers", "--json"]).unwrap();
        peers["peers"].as_array().unwrap().iter().map(|peer| peer["used_bytes"].clone()).collect()
    };
    let kept: Vec<_> = used();
    let after = ada.expect(&args).unwrap();
    let link = &after["link"];
    for figure in ["measured_up_bytes_per_second", "measured_down_bytes_per_second"] {
        assert!(link[figure].as_u64() > Some(10_000), "{figure}: {after}");
    }
    let holders = link["holders"].as_array().unwrap();
    assert_eq!(holders.len(), 2, "{after}");
    for holder in holders {
        assert!(holder["name"] == "peer1" || holder["name"] == "peer2", "{after}");
        assert!(holder["up_bytes_per_second"].as_u64() > Some(10_000), "{after}");
        assert!(holder["down_bytes_per_second"].as_u64() > Some(10_000), "{after}");
        assert!(holder["rtt_ms"].as_f64() > Some(0.0), "{after}");
    }
    assert_eq!(after["source"]["bytes"], 3 << 20);
    assert!(after["limit"]["hours_per_100_gb"].as_f64() > Some(0.0), "{after}");
    assert_eq!(used(), kept, "measuring left something with the holder");

    let alone = rig.home("alone");
    let output = alone.command(&["bench", "--size", "64KiB", "--dir", dir]).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(text.contains("link      unknown: no agent runs here"), "{text}");
}
