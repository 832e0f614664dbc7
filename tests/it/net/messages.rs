//! What goes wrong is said in a way a person and a script understand.

use std::fs;

use gbak::demo::agents::Agent;

use super::rig::{LOOPBACK, Rig, address, backup, init_args, invite};

/// Runs a command that must fail: its exit code and what it says.
fn fails(agent: &Agent, args: &[&str]) -> (i32, String) {
    let output = agent.command(args).output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(!output.status.success(), "{args:?} succeeded: {text}");
    assert!(!text.contains("panicked"), "{text}");
    (output.status.code().unwrap(), text)
}

#[test]
fn bad_input_is_refused_with_the_right_code_and_words() {
    let rig = Rig::new(3);
    let none = rig.home("nobody");
    assert_eq!(fails(&none, &["snapshots"]).0, 10);
    assert_eq!(fails(&none, &["backup", "/etc"]).0, 10);
    let ada = &rig.agents[0];
    let source = rig.path("source");
    fs::create_dir(&source).unwrap();
    fs::write(source.join("file"), "content").unwrap();
    backup(ada, &source);
    let (code, text) = fails(ada, &["backup", "/no/such/path"]);
    assert!(code != 0 && text.contains("/no/such/path"), "{code} {text}");
    let target = rig.path("target");
    let target = target.to_str().unwrap();
    let (code, text) = fails(ada, &["restore", "deadbeef", "--target", target]);
    assert!(code == 1 && text.contains("deadbeef"), "{code} {text}");
    fs::create_dir(rig.path("target")).unwrap();
    fs::write(rig.path("target").join("mine"), "mine").unwrap();
    let (code, text) = fails(ada, &["restore", "latest", "--target", target]);
    assert!(code == 1 && text.contains("--overwrite"), "{code} {text}");
    assert_eq!(fs::read(rig.path("target").join("mine")).unwrap(), b"mine");
    assert_eq!(fails(ada, &["frobnicate"]).0, 2);
    let words = rig.words("peer0");
    assert_eq!(fails(ada, &init_args("again", &words)).0, 1);
}

#[test]
fn wrong_words_are_told_from_a_wrong_grid() {
    let rig = Rig::new(3);
    let bootstrap = address(&rig.agents[1]);
    let words = rig.path("wrong.words");
    let right = fs::read_to_string(rig.words("peer0")).unwrap();
    let mut wrong: Vec<&str> = right.split_whitespace().collect();
    wrong.swap(0, 1);
    let new = rig.home("new");
    let recover = |text: &str| {
        fs::write(&words, text).unwrap();
        let words = words.to_str().unwrap();
        let args = [
            "recover",
            "--phrase-file",
            words,
            "--bootstrap",
            &bootstrap,
            "--listen",
            LOOPBACK,
            "--no-mdns",
            "--name",
            "new",
            "--non-interactive",
        ];
        fails(&new, &args)
    };
    let (code, text) = recover(&wrong.join(" "));
    assert!(code == 12, "a checksum or another owner: {code} {text}");
    let (code, text) = recover("one two three");
    assert!(code == 12 && text.contains("24"), "{code} {text}");
    assert!(!new.home().join("keys").exists());
}

#[test]
fn an_invitation_works_once_and_only_for_its_grid() {
    let rig = Rig::new(1);
    let founder = &rig.agents[0];
    let string = invite(founder);
    let join = |name: &str, string: &str| {
        let agent = rig.home(name);
        let words = rig.words(name);
        let mut args = init_args(name, &words);
        args.extend(["--join", string]);
        (agent.command(&args).output().unwrap(), agent)
    };
    assert!(join("bob", &string).0.status.success());
    let (again, mallory) = join("mallory", &string);
    assert_eq!(again.status.code(), Some(24), "{}", String::from_utf8_lossy(&again.stderr));
    assert!(!mallory.home().join("keys").exists());
    let mut typo = invite(founder).into_bytes();
    let middle = typo.len() / 2;
    typo[middle] = if typo[middle] == b'q' { b'p' } else { b'q' };
    let (output, _) = join("carol", std::str::from_utf8(&typo).unwrap());
    assert_eq!(output.status.code(), Some(24), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn a_busy_home_says_so() {
    let rig = Rig::new(1);
    let home = store::Home::open(rig.agents[0].home()).unwrap();
    drop(rig);
    drop(home);
    let mut rig = Rig::new(1);
    rig.agents[0].stop();
    let home = store::Home::open(rig.agents[0].home()).unwrap();
    let _lock = home.lock().unwrap();
    let (code, text) = fails(&rig.agents[0], &["backup", "/etc/hostname"]);
    assert!(code == 11, "{code} {text}");
}

#[test]
fn a_stopped_agent_leaves_cleanly_and_frees_its_home() {
    let mut rig = Rig::new(1);
    assert_eq!(rig.agents[0].stop(), Some(0));
    store::Home::open(rig.agents[0].home()).unwrap().lock().unwrap();
    assert!(!rig.agents[0].home().join("control.sock").exists());
}
