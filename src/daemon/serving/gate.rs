//! Who is let in: who knows the token, and did not get here through a page of somebody else's.
//!
//! A browser can be made to send requests here by any page, and by a name that suddenly stands for
//! this computer's own address. So the name that was asked for has to be one of the computer's own,
//! and where the page is named that sends a request, it has to be one of ours. The token is compared
//! by its hash, so that how long that takes tells nothing of it.

use std::net::IpAddr;

use headers::authorization::{Basic, Bearer};
use headers::{Authorization, HeaderMapExt};
use hyper::header::{self, HeaderMap, HeaderValue};
use hyper::{Response, StatusCode, Uri};

/// The name that goes with the token; any other does as well.
pub(crate) const USER: &str = "gbak";
/// What a browser, or a system that mounts, asks its user for.
const CHALLENGE: &str = "Basic realm=\"gbak\", charset=\"UTF-8\"";

/// Knows the token.
pub(crate) struct Gate {
    token: blake3::Hash,
}

impl std::fmt::Debug for Gate {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Gate").finish_non_exhaustive()
    }
}

/// Why a request is not even looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Refused {
    /// It was sent to another name, or by a page of somebody else's.
    Foreign,
    /// It does not know the token.
    Unknown,
}

impl Refused {
    /// What it is told. Its body is not read: the connection ends.
    pub(crate) fn answer(self) -> Response<()> {
        let mut answer = Response::new(());
        let headers = answer.headers_mut();
        headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
        if self == Self::Unknown {
            headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(CHALLENGE));
        }
        *answer.status_mut() = match self {
            Self::Foreign => StatusCode::FORBIDDEN,
            Self::Unknown => StatusCode::UNAUTHORIZED,
        };
        answer
    }
}

impl Gate {
    /// Lets in who knows this.
    pub(crate) fn new(token: &str) -> Self {
        Self { token: blake3::hash(token.as_bytes()) }
    }

    /// Whether a request may be looked at.
    pub(crate) fn admit(&self, uri: &Uri, headers: &HeaderMap) -> Result<(), Refused> {
        let host = one(headers, &header::HOST).ok_or(Refused::Foreign)?;
        if !is_own(host) || uri.authority().is_some_and(|asked| asked.as_str() != host) {
            return Err(Refused::Foreign);
        }
        for origin in headers.get_all(header::ORIGIN) {
            let page = origin.to_str().ok().and_then(|origin| origin.strip_prefix("http://"));
            if page != Some(host) {
                return Err(Refused::Foreign);
            }
        }
        if self.is_known(headers) { Ok(()) } else { Err(Refused::Unknown) }
    }

    fn is_known(&self, headers: &HeaderMap) -> bool {
        let basic = headers.typed_get::<Authorization<Basic>>();
        let bearer = headers.typed_get::<Authorization<Bearer>>();
        let basic = basic.as_ref().map(Authorization::password);
        let bearer = bearer.as_ref().map(Authorization::token);
        basic.or(bearer).is_some_and(|given| blake3::hash(given.as_bytes()) == self.token)
    }
}

/// The only value of a header.
fn one<'a>(headers: &'a HeaderMap, name: &header::HeaderName) -> Option<&'a str> {
    let mut all = headers.get_all(name).iter();
    let first = all.next()?.to_str().ok()?;
    all.next().is_none().then_some(first)
}

/// Whether a host, perhaps with a port, is the computer itself by a name that nobody else can give
/// away. The port may be another one, where somebody passes it on.
fn is_own(host: &str) -> bool {
    let port = |rest: &str| rest.is_empty() || rest.strip_prefix(':').is_some_and(is_port);
    if let Some(rest) = host.strip_prefix('[') {
        let Some((ip, rest)) = rest.split_once(']') else { return false };
        return is_loopback(ip) && port(rest);
    }
    let name = host.split(':').next().unwrap_or_default();
    let rest = host.get(name.len()..).unwrap_or_default();
    (name.eq_ignore_ascii_case("localhost") || is_loopback(name)) && port(rest)
}

fn is_port(text: &str) -> bool {
    text.parse::<u16>().is_ok()
}

fn is_loopback(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok_and(|ip| ip.is_loopback())
}
