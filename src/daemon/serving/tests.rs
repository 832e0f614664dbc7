//! Who is let in, and what is asked for on the way.

use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use hyper::{Request, StatusCode, Uri};

use super::gate::{Gate, Refused};
use super::whole;
use crate::drive::dav::Whole;

mod trees;

const TOKEN: &str = "0123456789abcdef";
/// `gbak:0123456789abcdef`.
const KNOWN: &str = "Basic Z2JhazowMTIzNDU2Nzg5YWJjZGVm";

fn admitted(uri: &str, headers: &[(&str, &str)]) -> Result<(), Refused> {
    let mut all = HeaderMap::new();
    for (name, value) in headers {
        let name = HeaderName::from_bytes(name.as_bytes()).unwrap();
        all.append(name, HeaderValue::from_str(value).unwrap());
    }
    Gate::new(TOKEN).admit(&uri.parse::<Uri>().unwrap(), &all)
}

#[test]
fn only_who_knows_the_token_is_let_in() {
    let asked =
        |given: &str| admitted("/a", &[("host", "127.0.0.1:4780"), ("authorization", given)]);
    assert_eq!(asked(KNOWN), Ok(()));
    assert_eq!(asked("Bearer 0123456789abcdef"), Ok(()));
    // Whatever the name: `:0123456789abcdef`.
    assert_eq!(asked("Basic OjAxMjM0NTY3ODlhYmNkZWY="), Ok(()));
    for wrong in [
        "Bearer 0123456789abcdee",
        "Bearer ",
        // `0123456789abcdef:`, `gbak:0123456789abcde` and what is no base64.
        "Basic MDEyMzQ1Njc4OWFiY2RlZjo=",
        "Basic Z2JhazowMTIzNDU2Nzg5YWJjZGU=",
        "Basic !!!!",
        "Digest 0123456789abcdef",
        "0123456789abcdef",
    ] {
        assert_eq!(asked(wrong), Err(Refused::Unknown), "{wrong}");
    }
    assert_eq!(admitted("/a", &[("host", "127.0.0.1:4780")]), Err(Refused::Unknown));
}

#[test]
fn no_page_and_no_name_of_somebody_elses_leads_in() {
    let asked = |uri: &str, host: &str, more: &[(&str, &str)]| {
        admitted(uri, &[&[("host", host), ("authorization", KNOWN)], more].concat())
    };
    for own in
        ["127.0.0.1", "127.0.0.1:80", "127.8.8.8:1", "localhost:4780", "LOCALHOST", "[::1]:9"]
    {
        assert_eq!(asked("/", own, &[]), Ok(()), "{own}");
    }
    for other in [
        "evil.example:4780",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "127.0.0.1:80:80",
        "127.0.0.1@evil.example",
        "192.168.0.1:4780",
        "[::2]:80",
        "[::1",
        "[::1]evil",
        "2130706433",
        "",
    ] {
        assert_eq!(asked("/", other, &[]), Err(Refused::Foreign), "{other}");
    }
    let host = "127.0.0.1:4780";
    assert_eq!(asked("/", host, &[("origin", "http://127.0.0.1:4780")]), Ok(()));
    for page in ["http://evil.example", "http://127.0.0.1:4781", "https://127.0.0.1:4780", "null"] {
        assert_eq!(asked("/", host, &[("origin", page)]), Err(Refused::Foreign), "{page}");
    }
    let two = [("origin", "http://127.0.0.1:4780"), ("origin", "http://evil.example")];
    assert_eq!(asked("/", host, &two), Err(Refused::Foreign));
    assert_eq!(asked("/", host, &[("host", host)]), Err(Refused::Foreign));
    assert_eq!(asked("http://evil.example/", host, &[]), Err(Refused::Foreign));
    assert_eq!(asked("http://127.0.0.1:4780/a", host, &[]), Ok(()));
    assert_eq!(admitted("/", &[("authorization", KNOWN)]), Err(Refused::Foreign));
}

#[test]
fn nothing_is_put_into_itself_or_onto_another_server() {
    let asked = |verb: &str, path: &str, to: Option<&str>, depth: Option<&str>| {
        let mut request = Request::builder().method(verb).uri(path).header("host", "[::1]:1");
        if let Some(to) = to {
            request = request.header("destination", to);
        }
        if let Some(depth) = depth {
            request = request.header("depth", depth);
        }
        whole(&request.body(()).unwrap())
    };
    let copied = Ok(Whole::Copy { from: b"/a b".to_vec() });
    assert_eq!(asked("COPY", "/a%20b/", Some("http://[::1]:1/a"), None), copied);
    assert_eq!(asked("COPY", "/a%20b", Some("http://me:pw@[::1]:1/b"), Some("infinity")), copied);
    assert_eq!(asked("COPY", "/a", Some("/b"), Some("0")), Ok(Whole::Nothing));
    assert_eq!(asked("MOVE", "/a", Some("/ab"), None), Ok(Whole::Move));
    assert_eq!(asked("DELETE", "/a", None, None), Ok(Whole::Remove));
    assert_eq!(asked("PUT", "/a", None, None), Ok(Whole::Nothing));
    let refused = Err(StatusCode::FORBIDDEN);
    for (from, to) in [("/a", "/a"), ("/a", "/a/b/c"), ("/a/b", "/%61/"), ("/", "/a"), ("/a", "/")]
    {
        assert_eq!(asked("COPY", from, Some(to), None), refused, "{from} {to}");
        assert_eq!(asked("MOVE", from, Some(to), None), refused, "{from} {to}");
    }
    assert_eq!(asked("DELETE", "/", None, None), refused);
    assert_eq!(asked("DELETE", "/a/..", None, None), refused);
    let elsewhere = Err(StatusCode::BAD_GATEWAY);
    assert_eq!(asked("MOVE", "/a", Some("http://[::1]:2/b"), None), elsewhere);
    assert_eq!(asked("MOVE", "/a", Some("http://evil.example/b"), None), elsewhere);
    assert_eq!(asked("MOVE", "/a", None, None), Err(StatusCode::BAD_REQUEST));
    assert_eq!(asked("COPY", "/a", Some("/b/../../c"), None), Err(StatusCode::BAD_REQUEST));
}
