//! What pages answer with: HTML, and the way on to another page.

use http::{HeaderValue, Response, StatusCode, header};

use crate::{
    api::Failure,
    body::{self, Body},
    render::{self, Template},
    view::Frame,
};

/// What a page's function gives.
pub(crate) type Answer = Result<Response<Body>, Failure>;

/// A page.
pub(crate) fn html<T: Template>(frame: &Frame, page: &T) -> Answer {
    Ok(html_text(render::page(frame, page)?))
}

/// A page with another status than 200.
pub(crate) fn html_with<T: Template>(status: StatusCode, frame: &Frame, page: &T) -> Answer {
    let mut response = html(frame, page)?;
    *response.status_mut() = status;
    Ok(response)
}

pub(crate) fn html_text(text: String) -> Response<Body> {
    let mut response = Response::new(body::full(text));
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    response
}

/// On to a page of ours, by GET. The address is made by this crate or checked by [`own_path`].
pub(crate) fn redirect(to: &str) -> Response<Body> {
    let mut response = Response::new(body::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    let location = HeaderValue::from_str(to).unwrap_or(HeaderValue::from_static("/"));
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The address, if it surely stays on this site.
pub(crate) fn own_path(address: &str) -> Option<&str> {
    let own = address.starts_with('/')
        && !address.starts_with("//")
        && address.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\');
    own.then_some(address)
}

/// An address with the parameters that are set.
pub(crate) fn link(path: &str, pairs: &[(&str, Option<&str>)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    if query.is_empty() { path.to_owned() } else { format!("{path}?{query}") }
}

#[cfg(test)]
mod tests {
    use super::own_path;

    #[test]
    fn redirects_stay_on_this_site() {
        for own in ["/", "/hosts?health=good&after=x", "/jobs/1#L20"] {
            assert_eq!(own_path(own), Some(own));
        }
        for foreign in [
            "",
            "hosts",
            "//evil.example",
            "/\\evil.example",
            "https://evil.example",
            "/a\r\nSet-Cookie: x",
            "javascript:alert(1)",
        ] {
            assert_eq!(own_path(foreign), None, "{foreign}");
        }
    }
}
