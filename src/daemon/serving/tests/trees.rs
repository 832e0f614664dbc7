//! A drive and snapshots' likes over real connections: what a client may rely on.

use std::fmt::Write;
use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full};
use hyper::{Request, StatusCode};
use hyper_util::rt::TokioIo;
use rustix::io::Errno;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::super::gate::Gate;
use super::super::{Server, XML_LIMIT};
use super::{KNOWN, TOKEN};
use crate::drive::dav::{Dav, XML_TAGS};
use crate::drive::ops::{Change, Files, Ino, New, ROOT, SetTime, Type, XattrHow};
use crate::drive::session::Kernel;
use crate::drive::volume::tests::{ME, World};
use crate::offload::PoolOffload;
use crate::vault::tree::Stamp;

/// A drive that is served.
struct Site {
    w: World,
    at: SocketAddr,
    _stop: DropGuard,
}

/// What came back.
#[derive(Debug)]
struct Answer {
    status: u16,
    head: hyper::HeaderMap,
    body: Bytes,
}

impl Answer {
    fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    fn header(&self, name: &str) -> &str {
        self.head.get(name).map_or("", |value| value.to_str().unwrap())
    }

    /// What a listing names, without what was asked for itself.
    fn hrefs(&self) -> Vec<String> {
        let parts = self.text().split("<D:href>").skip(1);
        parts.map(|part| part.split('<').next().unwrap().to_owned()).skip(1).collect()
    }
}

impl Site {
    async fn new(read_only: bool) -> Self {
        let w = World::new();
        let offload = Arc::new(PoolOffload::new(tokio::runtime::Handle::current()));
        let volume = Arc::clone(&w.volume);
        let dav = Dav::new(volume, offload, Arc::new(Kernel::default()), read_only);
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).await.unwrap();
        let at = server.address;
        let stop = CancellationToken::new();
        drop(tokio::spawn(server.serve(dav, Gate::new(TOKEN), stop.clone())));
        Self { w, at, _stop: stop.drop_guard() }
    }

    async fn ask(&self, verb: &str, path: &str, more: &[(&str, &str)], body: &[u8]) -> Answer {
        let stream = TcpStream::connect(self.at).await.unwrap();
        let (mut sender, connection) =
            hyper::client::conn::http1::handshake(TokioIo::new(stream)).await.unwrap();
        drop(tokio::spawn(connection));
        let host = self.at.to_string();
        let mut request = Request::builder().method(verb).uri(path).header("host", host);
        for (name, value) in [("authorization", KNOWN)].iter().chain(more) {
            request = request.header(*name, *value);
        }
        let request = request.body(Full::new(Bytes::copy_from_slice(body))).unwrap();
        let (head, body) = sender.send_request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        Answer { status: head.status.as_u16(), head: head.headers, body }
    }

    async fn get(&self, path: &str) -> Answer {
        self.ask("GET", path, &[], b"").await
    }

    async fn put(&self, path: &str, bytes: &[u8]) -> u16 {
        self.ask("PUT", path, &[], bytes).await.status
    }

    async fn to(&self, verb: &str, from: &str, to: &str) -> u16 {
        self.ask(verb, from, &[("destination", to)], b"").await.status
    }

    async fn list(&self, path: &str) -> Vec<String> {
        let listed = self.ask("PROPFIND", path, &[("depth", "1")], b"").await;
        assert_eq!(listed.status, 207, "{}", listed.text());
        listed.hrefs()
    }

    fn link(&self, parent: Ino, name: &str, target: &str) {
        let target = target.as_bytes().to_vec();
        let new = New { kind: Type::Symlink, mode: 0o777, umask: 0, rdev: 0, target };
        self.w.volume.make(parent, name.as_bytes(), &new, ME).unwrap();
    }

    fn ino(&self, name: &str) -> Ino {
        self.w.find(ROOT, name).unwrap().ino
    }
}

fn noise(len: usize) -> Vec<u8> {
    let mut bytes = vec![0; len];
    blake3::Hasher::new().finalize_xof().fill(&mut bytes);
    bytes
}

#[tokio::test]
async fn what_is_put_comes_back_whole_and_in_parts() {
    let s = Site::new(false).await;
    let bytes = noise(3_000_000);
    assert_eq!(s.put("/a%20file", &bytes).await, 201);
    let got = s.get("/a%20file").await;
    assert_eq!((got.status, got.header("content-length")), (200, "3000000"));
    assert_eq!(got.body, bytes);
    let etag = got.header("etag").to_owned();
    let part =
        |range: &'static str| async { s.ask("GET", "/a%20file", &[("range", range)], b"").await };
    let middle = part("bytes=1000000-2499999").await;
    assert_eq!((middle.status, &middle.body[..]), (206, &bytes[1_000_000..2_500_000]));
    assert_eq!(middle.header("content-range"), "bytes 1000000-2499999/3000000");
    assert_eq!(part("bytes=-5").await.body, &bytes[2_999_995..]);
    assert_eq!(part("bytes=3000000-").await.status, 416);
    let head = s.ask("HEAD", "/a%20file", &[], b"").await;
    assert_eq!((head.status, head.header("content-length"), head.body.len()), (200, "3000000", 0));
    // A part is written in place, and it is another file then.
    let range = [("content-range", "bytes 10-14/3000000")];
    assert_eq!(s.ask("PUT", "/a%20file", &range, b"there").await.status, 204);
    let got = s.get("/a%20file").await;
    assert_eq!((&got.body[10..15], &got.body[15..]), (&b"there"[..], &bytes[15..]));
    assert_ne!(got.header("etag"), etag);
    assert_eq!(s.ask("PUT", "/a%20file", &[("if-match", &etag)], b"x").await.status, 412);
    assert_eq!(s.ask("PUT", "/a%20file", &[("if-none-match", "*")], b"x").await.status, 412);
    // A page that is kept here is not run.
    assert!(got.header("content-security-policy").starts_with("sandbox;"));
    assert_eq!(got.header("x-content-type-options"), "nosniff");
}

#[tokio::test]
async fn a_sender_that_goes_away_changes_nothing() {
    let s = Site::new(false).await;
    assert_eq!(s.put("/f", b"as it was").await, 201);
    for name in ["f", "new"] {
        let mut stream = TcpStream::connect(s.at).await.unwrap();
        let head = format!(
            "PUT /{name} HTTP/1.1\r\nhost: {}\r\nauthorization: {KNOWN}\r\n\
             content-length: 3000000\r\n\r\n",
            s.at
        );
        stream.write_all(head.as_bytes()).await.unwrap();
        stream.write_all(&noise(2_500_000)).await.unwrap();
        // The other side has read all of it, and hears of the end.
        stream.shutdown().await.unwrap();
        let mut said = Vec::new();
        stream.read_to_end(&mut said).await.unwrap_or_default();
        assert!(!said.starts_with(b"HTTP/1.1 2"), "{}", String::from_utf8_lossy(&said));
    }
    assert_eq!(s.w.names(ROOT), ["f"]);
    assert_eq!(s.get("/f").await.text(), "as it was");
    // What came of it is not kept.
    while s.w.volume.space().files > 2 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn a_listing_has_every_file_under_a_name_that_can_be_asked_for() {
    let s = Site::new(false).await;
    let odd = ["a b", "100%", "ä", "<&>\"'", "line\nend", "\u{1}", "#?", "plus+"];
    for name in odd {
        s.w.make(ROOT, name, Type::File);
    }
    let new = New { kind: Type::File, mode: 0o644, umask: 0, rdev: 0, target: Vec::new() };
    s.w.volume.make(ROOT, b"\xff\xfe", &new, ME).unwrap();
    let hrefs = s.list("/").await;
    assert_eq!(hrefs.len(), odd.len() + 1, "{hrefs:?}");
    for href in &hrefs {
        assert_eq!(s.put(href, href.as_bytes()).await, 204, "{href}");
        assert_eq!(s.get(href).await.text(), href);
    }
    assert_eq!(s.w.volume.list(ROOT).unwrap().len(), odd.len() + 3);
    let page = s.get("/").await;
    assert!(page.text().contains("&lt;&amp;&gt;"), "{}", page.text());
    // One directory at a time.
    for depth in [None, Some("infinity"), Some("2")] {
        let depth = depth.map(|depth| ("depth", depth));
        let said = s.ask("PROPFIND", "/", depth.as_slice(), b"").await;
        assert_eq!(said.status, 403);
        assert!(said.text().contains("propfind-finite-depth"));
    }
    let litmus = [("depth", "infinity"), ("x-litmus", "basic")];
    assert_eq!(s.ask("PROPFIND", "/", &litmus, b"").await.status, 403);
    let own = s.ask("PROPFIND", "/", &[("depth", "0")], b"").await;
    assert_eq!((own.status, own.hrefs().len()), (207, 0));
}

#[tokio::test]
async fn links_lead_as_far_as_the_tree_and_nothing_else_is_shown() {
    let s = Site::new(false).await;
    let dir = s.w.make(ROOT, "dir", Type::Dir).ino;
    let deep = s.w.make(dir, "deep", Type::Dir).ino;
    s.w.make(deep, "file", Type::File);
    s.w.make(ROOT, "pipe", Type::Fifo);
    s.w.make(ROOT, "null", Type::CharDevice);
    s.link(ROOT, "to", "dir/deep");
    s.link(deep, "up", "../../to/./file");
    s.link(ROOT, "above", "../../../dir");
    s.link(ROOT, "out", "/etc/passwd");
    s.link(ROOT, "nowhere", "not/there");
    s.link(ROOT, "round", "round");
    assert_eq!(s.put("/to/up", b"through two links").await, 204);
    assert_eq!(s.get("/dir/deep/file").await.text(), "through two links");
    assert_eq!(s.get("/above/deep/up").await.text(), "through two links");
    for hidden in ["/out", "/nowhere", "/pipe", "/null", "/out/x", "/pipe/x", "/dir/deep/file/x"] {
        assert_eq!(s.get(hidden).await.status, 404, "{hidden}");
    }
    assert_eq!(s.get("/round").await.status, 508);
    assert_eq!(s.list("/").await, ["/above/", "/dir/", "/to/"]);
    // The link goes, not where it leads; a pipe is in the way of what it hides.
    assert_eq!(s.ask("DELETE", "/to", &[], b"").await.status, 204);
    assert_eq!(s.list("/dir/deep").await, ["/dir/deep/file"]);
    assert_eq!(s.put("/pipe", b"x").await, 403);
    assert_eq!(s.ask("MKCOL", "/pipe", &[], b"").await.status, 405);
    // A file that a link names is made where it leads.
    s.link(ROOT, "later", "dir/made");
    assert_eq!(s.put("/later", b"made").await, 201);
    assert_eq!(s.get("/dir/made").await.text(), "made");
}

/// A chain of directories, each with a file, a link and a pipe.
fn chain(s: &Site, name: &str, deep: usize) {
    let mut at = s.w.make(ROOT, name, Type::Dir).ino;
    for _ in 0..deep {
        s.w.make(at, "file", Type::File);
        s.w.make(at, "pipe", Type::Fifo);
        s.link(at, "link", "../..");
        at = s.w.make(at, "d", Type::Dir).ino;
    }
}

#[tokio::test]
async fn trees_are_removed_and_copied_as_deep_as_they_are() {
    let s = Site::new(false).await;
    chain(&s, "a", 3_000);
    let files = s.w.volume.space().files;
    assert_eq!(s.to("COPY", "/a", "/b").await, 201);
    assert_eq!(s.w.volume.space().files, 2 * files - 1);
    // In place of another one.
    assert_eq!(s.to("COPY", "/a", "/b").await, 204);
    assert_eq!(s.w.volume.space().files, 2 * files - 1);
    assert_eq!(s.ask("DELETE", "/a/", &[], b"").await.status, 204);
    assert_eq!(s.to("MOVE", "/b", "/c").await, 201);
    s.w.make(ROOT, "d", Type::File);
    assert_eq!(s.to("MOVE", "/c", "/d").await, 204);
    assert_eq!((s.list("/").await, s.w.volume.space().files), (vec!["/d/".to_owned()], files));
    assert_eq!(s.ask("DELETE", "/d", &[], b"").await.status, 204);
    assert_eq!((s.w.volume.space().files, s.ask("DELETE", "/d", &[], b"").await.status), (1, 404));
    for verb in ["DELETE", "MOVE"] {
        assert_eq!(s.ask(verb, "/", &[("destination", "/x")], b"").await.status, 403);
    }
}

#[tokio::test]
async fn what_is_moved_replaces_and_what_is_copied_stays() {
    let s = Site::new(false).await;
    for (path, text) in [("/a", "a"), ("/b", "b")] {
        s.put(path, text.as_bytes()).await;
    }
    let a = s.ino("a");
    s.w.volume.set_xattr(a, b"user.note", b"kept", XattrHow::Either).unwrap();
    let no = [("destination", "/b"), ("overwrite", "F")];
    for verb in ["MOVE", "COPY"] {
        assert_eq!(s.ask(verb, "/a", &no, b"").await.status, 412);
        assert_eq!(s.to(verb, "/a", "/none/b").await, 409);
        assert_eq!(s.to(verb, "/none", "/b").await, 404);
    }
    assert_eq!(s.to("MOVE", "/a", "/b").await, 204);
    assert_eq!((s.w.names(ROOT), s.ino("b")), (vec!["b".to_owned()], a));
    assert_eq!(s.to("COPY", "/b", "/c").await, 201);
    assert_eq!((s.get("/b").await.text(), s.get("/c").await.text()), ("a", "a"));
    assert_eq!(s.w.volume.xattr(s.ino("c"), b"user.note").unwrap(), b"kept");
    // Full directories change places, and what was there goes.
    for name in ["one", "two"] {
        assert_eq!(s.ask("MKCOL", &format!("/{name}"), &[], b"").await.status, 201);
        assert_eq!(s.put(&format!("/{name}/in"), name.as_bytes()).await, 201);
    }
    assert_eq!(s.to("MOVE", "/one/", "/two").await, 204);
    assert_eq!((s.list("/").await.len(), s.get("/two/in").await.text()), (3, "one"));
    assert_eq!(s.to("MOVE", "/two", "/two/in/deeper").await, 403);
    assert_eq!(s.to("COPY", "/two/in", "/two").await, 403);
    assert_eq!(s.get("/two/in").await.text(), "one");
    assert_eq!(s.ask("MKCOL", "/two", &[], b"").await.status, 405);
    assert_eq!(s.ask("MKCOL", "/none/two", &[], b"").await.status, 409);
    assert_eq!(s.put("/none/two", b"").await, 409);
    assert_eq!(s.put("/two", b"").await, 403);
}

#[tokio::test]
async fn a_copy_has_the_holes_of_the_original() {
    let s = Site::new(false).await;
    let ino = s.w.make(ROOT, "sparse", Type::File).ino;
    s.w.volume.write(ino, 1 << 40, b"far out", false).unwrap();
    let longer = Change { size: Some((1 << 40) + 100), ..Change::default() };
    s.w.volume.set_attr(ino, &longer, ME).unwrap();
    assert_eq!(s.to("COPY", "/sparse", "/copy").await, 201);
    let (old, new) = (s.w.find(ROOT, "sparse").unwrap(), s.w.find(ROOT, "copy").unwrap());
    assert_eq!((new.size, new.allocated), (old.size, old.allocated));
    assert_eq!(s.w.read(new.ino, 1 << 40, 7), b"far out");
}

/// A request to set properties, by name, and to take others away.
fn patch(set: &[(&str, &str)], remove: &[&str]) -> String {
    let mut text = String::from(r#"<D:propertyupdate xmlns:D="DAV:" xmlns:x="urn:x">"#);
    for (name, value) in set {
        write!(text, "<D:set><D:prop><x:{name}>{value}</x:{name}></D:prop></D:set>").unwrap();
    }
    for name in remove {
        write!(text, "<D:remove><D:prop><x:{name}/></D:prop></D:remove>").unwrap();
    }
    text + "</D:propertyupdate>"
}

impl Site {
    async fn patch(&self, path: &str, set: &[(&str, &str)], remove: &[&str]) -> Answer {
        let said = self.ask("PROPPATCH", path, &[], patch(set, remove).as_bytes()).await;
        assert_eq!(said.status, 207, "{}", said.text());
        said
    }

    /// Everything that is known of a path.
    async fn props(&self, path: &str) -> String {
        self.ask("PROPFIND", path, &[("depth", "0")], b"").await.text().to_owned()
    }
}

#[tokio::test]
async fn properties_are_kept_beside_the_file_and_go_where_it_goes() {
    let mut s = Site::new(false).await;
    assert_eq!(s.put("/f", b"text").await, 201);
    s.patch("/f", &[("one", "first <b>bold</b>"), ("two", "second")], &[]).await;
    s.patch("/", &[("of-the-root", "kept")], &[]).await;
    for (verb, path) in [("COPY", "/copy"), ("MOVE", "/moved")] {
        assert_eq!(s.to(verb, "/f", path).await, 201);
        let said = s.props(path).await;
        assert!(said.contains("first ") && said.contains(">bold</"), "{path}: {said}");
        assert!(said.contains("second"), "{path}: {said}");
    }
    s.patch("/moved", &[("two", "another")], &["one", "never-there"]).await;
    let said = s.props("/moved").await;
    assert!(!said.contains("bold") && said.contains("another"), "{said}");
    assert!(s.props("/copy").await.contains("bold"));
    // Kept here before it was answered for.
    s.w.killed();
    let moved = s.ino("moved");
    let kept = s.w.volume.xattr(moved, b"user.webdav.{urn:x}two").unwrap();
    assert!(String::from_utf8(kept).unwrap().contains("another"));
    assert!(s.w.volume.xattr(ROOT, b"user.webdav.{urn:x}of-the-root").is_ok());
}

#[tokio::test]
async fn properties_are_changed_all_or_none_and_none_is_read_that_is_nested_deep() {
    let s = Site::new(false).await;
    assert_eq!(s.put("/f", b"text").await, 201);
    s.patch("/f", &[("one", "as it was")], &[]).await;
    let long = "n".repeat(300);
    let said = s.patch("/f", &[("one", "changed"), (&long, "too long"), ("new", "x")], &[]).await;
    assert!(said.text().contains("507") && said.text().contains("424"), "{}", said.text());
    let said = s.props("/f").await;
    assert!(said.contains("as it was") && !said.contains("changed"), "{said}");
    let said = s.ask(
        "PROPPATCH",
        "/f",
        &[],
        br#"<D:propertyupdate xmlns:D="DAV:"><D:set><D:prop>
        <D:getetag>mine</D:getetag></D:prop></D:set></D:propertyupdate>"#,
    );
    let said = said.await;
    assert!(said.status == 207 && said.text().contains("403"), "{}", said.text());
    let (name, deep) = (b"user.webdav.{urn:x}deep", "<a>".repeat(20_000));
    let ino = s.ino("f");
    s.w.volume.set_xattr(ino, name, deep.as_bytes(), XattrHow::Either).unwrap();
    let said = s.props("/f").await;
    assert!(said.contains("as it was") && !said.contains("deep"), "{said}");
}

#[tokio::test]
async fn what_was_answered_for_survives_a_kill() {
    let mut s = Site::new(false).await;
    assert_eq!(s.ask("MKCOL", "/dir", &[], b"").await.status, 201);
    assert_eq!(s.put("/dir/f", &noise(70_000)).await, 201);
    assert_eq!(s.put("/dir/old", b"").await, 201);
    assert_eq!(s.to("COPY", "/dir", "/copy").await, 201);
    assert_eq!(s.to("MOVE", "/dir/f", "/dir/g").await, 201);
    assert_eq!(s.ask("DELETE", "/dir/old", &[], b"").await.status, 204);
    s.w.killed();
    let (dir, copy) = (s.ino("dir"), s.ino("copy"));
    assert_eq!(s.w.names(dir), ["g"]);
    assert_eq!(s.w.names(copy), ["f", "old"]);
    let copied = s.w.find(copy, "f").unwrap();
    assert!(s.w.read(copied.ino, 0, 70_000) == noise(70_000));
}

#[tokio::test]
async fn errors_are_what_http_calls_them() {
    let s = Site::new(false).await;
    s.w.volume.set_limits(1 << 20, u64::MAX);
    let there = format!("{:?}", noise(3));
    assert_eq!(s.put("/f", there.as_bytes()).await, 201);
    // Said before it is sent, and found while it is sent.
    assert_eq!(s.put("/f", &noise(2 << 20)).await, 507);
    let sized = Change { size: Some(1 << 20), ..Change::default() };
    s.w.volume.set_attr(s.w.make(ROOT, "hole", Type::File).ino, &sized, ME).unwrap();
    assert_eq!(s.to("COPY", "/hole", "/other").await, 201);
    s.w.volume.write(s.ino("hole"), 0, &noise(600_000), false).unwrap();
    assert_eq!(s.to("COPY", "/hole", "/full").await, 507);
    assert_eq!(s.w.find(ROOT, "full").unwrap_err(), Errno::NOENT);
    assert_eq!(s.get("/f").await.text(), there);
    let quota =
        br#"<D:propfind xmlns:D="DAV:"><D:prop><D:quota-available-bytes/></D:prop></D:propfind>"#;
    let said = s.ask("PROPFIND", "/", &[("depth", "0")], quota).await;
    let free = s.w.volume.space().available;
    assert!(said.text().contains(&format!(">{free}<")), "{free}: {}", said.text());
    assert_eq!(s.put(&format!("/{}", "n".repeat(256)), b"").await, 414);
    assert_eq!(s.ask("BREW", "/f", &[], b"").await.status, 501);
}

#[tokio::test]
async fn bytes_that_cannot_be_had_are_an_error_from_the_beginning() {
    let s = Site::new(false).await;
    let ino = s.w.make(ROOT, "f", Type::File).ino;
    s.w.volume.write(ino, 0, b"x", false).unwrap();
    s.w.lose(ino);
    assert_eq!(s.get("/f").await.status, 503);
    assert_eq!(s.list("/").await, ["/f"]);
}

#[tokio::test]
async fn what_is_only_looked_at_cannot_be_changed() {
    let s = Site::new(true).await;
    let ino = s.w.make(ROOT, "f", Type::File).ino;
    s.w.volume.write(ino, 0, b"as it is", false).unwrap();
    for verb in ["PUT", "DELETE", "MKCOL", "MOVE", "COPY", "PROPPATCH", "LOCK", "PATCH"] {
        let said = s.ask(verb, "/f", &[("destination", "/g")], b"").await;
        assert_eq!(said.status, 405, "{verb}");
    }
    assert_eq!((s.get("/f").await.text(), s.list("/").await.len()), ("as it is", 1));
}

#[tokio::test]
async fn systems_that_mount_it_find_locks_and_what_they_look_for() {
    let s = Site::new(false).await;
    let options = s.ask("OPTIONS", "/", &[], b"").await;
    assert_eq!(options.status, 200);
    assert!(options.header("dav").contains('2'), "{}", options.header("dav"));
    let lock = br#"<?xml version="1.0"?><D:lockinfo xmlns:D="DAV:"><D:lockscope><D:exclusive/>
        </D:lockscope><D:locktype><D:write/></D:locktype></D:lockinfo>"#;
    let locked = s.ask("LOCK", "/new", &[("depth", "0")], lock).await;
    assert_eq!(locked.status, 201, "{}", locked.text());
    let token = locked.header("lock-token").to_owned();
    assert!(token.len() > 10);
    let with = format!("({token})");
    assert_eq!(s.ask("PUT", "/new", &[("if", &with)], b"text").await.status, 204);
    let unlocked = s.ask("UNLOCK", "/new", &[("lock-token", &token)], b"").await;
    assert_eq!((unlocked.status, s.get("/new").await.text()), (204, "text"));
}

#[tokio::test]
async fn no_time_and_no_xml_brings_it_down() {
    let s = Site::new(false).await;
    let ino = s.w.make(ROOT, "f", Type::File).ino;
    for secs in [i64::MIN, -1, 0, 253_402_300_800, i64::MAX] {
        let mtime = Some(SetTime::At(Stamp { secs, nanos: 999_999_999 }));
        let change = Change { mtime, atime: mtime, ..Change::default() };
        s.w.volume.set_attr(ino, &change, ME).unwrap();
        assert_eq!((s.get("/f").await.status, s.list("/").await.len()), (200, 1), "{secs}");
        assert_eq!(s.get("/").await.status, 200);
    }
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    for verb in ["PROPFIND", "PROPPATCH", "LOCK"] {
        for (xml, status) in [
            (nested(XML_TAGS / 2), StatusCode::BAD_REQUEST),
            (nested(XML_TAGS), StatusCode::BAD_REQUEST),
            ("<a>".repeat(20_000), StatusCode::BAD_REQUEST),
            (" ".repeat(XML_LIMIT + 1), StatusCode::PAYLOAD_TOO_LARGE),
        ] {
            let said = s.ask(verb, "/", &[("depth", "0")], xml.as_bytes()).await;
            assert_eq!(said.status, status.as_u16(), "{verb}: {} bytes", xml.len());
        }
    }
    assert_eq!(s.get("/f").await.status, 200);
}

#[tokio::test]
async fn who_does_not_know_the_token_is_not_even_heard() {
    let s = Site::new(false).await;
    let mut stream = TcpStream::connect(s.at).await.unwrap();
    let head = format!("PUT /f HTTP/1.1\r\nhost: {}\r\ncontent-length: 1000\r\n\r\n", s.at);
    stream.write_all(head.as_bytes()).await.unwrap();
    let mut said = String::new();
    stream.read_to_string(&mut said).await.unwrap();
    assert!(said.starts_with("HTTP/1.1 401 "), "{said}");
    assert!(said.to_lowercase().contains("www-authenticate: basic realm"), "{said}");
    assert!(!said.contains("dav-server") && s.w.names(ROOT).is_empty());
    assert!(Server::bind("0.0.0.0:0".parse().unwrap()).await.is_err());
    assert!(Server::bind("[::]:0".parse().unwrap()).await.is_err());
}
