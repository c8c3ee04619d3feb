//! Which row of the table a request is for.

use http::Method as HttpMethod;
use restic_manager_proto::api::{Code, Method, Problem};
use std::collections::HashMap;

use super::route::Route;
use crate::{call::request::PathParameters, failure::Failure};

/// Finds rows by path and method.
pub(super) struct Router {
    paths: matchit::Router<Vec<&'static Route>>,
}

impl Router {
    pub(super) fn new(routes: impl IntoIterator<Item = &'static Route>) -> Self {
        let mut by_path: HashMap<&str, Vec<&'static Route>> = HashMap::new();
        for route in routes {
            by_path.entry(route.path).or_default().push(route);
        }
        let mut paths = matchit::Router::new();
        for (path, rows) in by_path {
            paths
                .insert(path, rows)
                .expect("the table's paths are constant, and a test builds a router of them");
        }
        Self { paths }
    }

    pub(super) fn find(
        &self,
        method: &HttpMethod,
        path: &str,
    ) -> Result<(&'static Route, PathParameters), Failure> {
        let found = self.paths.at(path).map_err(|_| no_such_path(path))?;
        // HEAD is GET without the body, which hyper leaves out.
        let wanted = if method == HttpMethod::HEAD { "GET" } else { method.as_str() };
        let Some(route) = found.value.iter().find(|route| route.method.as_str() == wanted) else {
            let allowed: Vec<Method> = found.value.iter().map(|route| route.method).collect();
            return Err(method_not_allowed(&allowed));
        };
        let parameters =
            found.params.iter().map(|(name, value)| (name.to_owned(), value.to_owned())).collect();
        Ok((route, parameters))
    }
}

fn no_such_path(path: &str) -> Failure {
    let shown: String = path.chars().take(200).collect();
    Failure::new(
        Code::NotFound,
        format!("there is nothing at {shown}"),
        "see /api/v1/openapi.json for what there is",
    )
}

/// The answer to a method that the path does not have.
fn method_not_allowed(allowed: &[Method]) -> Failure {
    let list = allowed.iter().map(|method| method.as_str()).collect::<Vec<_>>().join(", ");
    let problem = Problem::new(Code::MethodNotAllowed, format!("this path takes {list}"), "check the method");
    Failure::OtherMethod(Box::new(problem), list)
}
