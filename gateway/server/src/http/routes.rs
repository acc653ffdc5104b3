//! The table of all routes, one router a listener. Every route of the portal's listener stands in the OpenAPI document,
//! and the reverse; a test holds the two against each other.

use std::sync::Arc;

use axum::{
    Router,
    extract::DefaultBodyLimit,
    handler::Handler,
    middleware,
    routing::{MethodFilter, MethodRouter, on},
};
use dialog_contract::problem::ProblemType;
use http::Method;

use super::{
    access, agreements, appointments, attachments, choices, collegial, deliveries, dialogs, envelope, events, inbox,
    log, notices, operations, payments, plugins, practice, reply::Refusal, surveys,
};
use crate::gateway::Gateway;

/// Routes of one listener, with a list of what they are.
pub struct Routes {
    router: Router<Arc<Gateway>>,
    /// Method and template of each.
    pub table: Vec<(Method, &'static str)>,
    open: Option<(&'static str, MethodRouter<Arc<Gateway>>)>,
    sheds: bool,
}

impl Routes {
    fn new() -> Self {
        Self { router: Router::new(), table: Vec::new(), open: None, sheds: true }
    }

    /// Routes of one path stand together.
    fn add<H, T>(mut self, method: Method, path: &'static str, handler: H) -> Self
    where
        H: Handler<T, Arc<Gateway>>,
        T: 'static,
    {
        let filter = MethodFilter::try_from(method.clone()).unwrap_or(MethodFilter::GET);
        self.table.push((method, path));
        self.open = Some(match self.open.take() {
            Some((open, methods)) if open == path => (open, methods.on(filter, handler)),
            earlier => {
                self.router = close(self.router, earlier);
                (path, on(filter, handler))
            }
        });
        self
    }

    fn get<H: Handler<T, Arc<Gateway>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::GET, path, handler)
    }

    fn post<H: Handler<T, Arc<Gateway>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::POST, path, handler)
    }

    fn put<H: Handler<T, Arc<Gateway>>, T: 'static>(self, path: &'static str, handler: H) -> Self {
        self.add(Method::PUT, path, handler)
    }

    /// The router, with what stands around every route.
    pub fn into_router(self, gateway: Arc<Gateway>) -> Router {
        let mut router = close(self.router, self.open)
            .method_not_allowed_fallback(method_not_allowed)
            .fallback(not_found)
            // Bodies are bounded where they are read, with a problem that says which limit.
            .layer(DefaultBodyLimit::disable());
        if self.sheds {
            router = router.layer(middleware::from_fn_with_state(Arc::clone(&gateway), envelope::shed));
        }
        router.layer(middleware::from_fn_with_state(Arc::clone(&gateway), envelope::wrap)).with_state(gateway)
    }
}

fn close(
    router: Router<Arc<Gateway>>,
    open: Option<(&'static str, MethodRouter<Arc<Gateway>>)>,
) -> Router<Arc<Gateway>> {
    match open {
        Some((path, methods)) => router.route(path, methods),
        None => router,
    }
}

/// The portal's listener.
#[must_use]
pub fn portal() -> Routes {
    Routes::new()
        .get("/v1/me/practice", practice::mine)
        .get("/v1/me/services/{service}/guidance", practice::guidance)
        .get("/v1/offices/{herId}", practice::office)
        .get("/v1/offices/{herId}/choices", agreements::choices)
        .put("/v1/offices/{herId}/choices/{service}", agreements::choose)
        .put("/v1/offices/{herId}/absences/{hprNumber}", agreements::set_absences)
        .get("/v1/offices/{herId}/collegial-dialogs", collegial::list)
        .post("/v1/offices/{herId}/collegial-dialogs", collegial::open)
        .get("/v1/offices/{herId}/collegial-dialogs/{dialog}", collegial::read)
        .post("/v1/offices/{herId}/collegial-dialogs/{dialog}/messages", collegial::send)
        .post("/v1/offices/{herId}/collegial-dialogs/{dialog}/citizen", collegial::bring_in)
        .post("/v1/offices/{herId}/collegial-dialogs/{dialog}/close", collegial::close)
        .post("/v1/offices/{herId}/collegial-attachments", collegial::upload)
        .get("/v1/offices/{herId}/collegial-dialogs/{dialog}/attachments/{attachment}", collegial::download)
        .get("/v1/me/dialogs", dialogs::list)
        .post("/v1/me/dialogs", dialogs::open)
        .get("/v1/me/dialogs/{dialog}", dialogs::read)
        .post("/v1/me/dialogs/{dialog}/messages", dialogs::send)
        .post("/v1/me/dialogs/{dialog}/close", dialogs::close)
        .post("/v1/me/dialogs/{dialog}/seen", dialogs::seen)
        .post("/v1/me/dialogs/{dialog}/video/join", dialogs::join_video)
        .post("/v1/me/dialogs/{dialog}/video/leave", dialogs::leave_video)
        .post("/v1/me/dialogs/search", inbox::search)
        .get("/v1/me/inbox", inbox::read)
        .post("/v1/me/attachments", attachments::upload)
        .get("/v1/me/attachments/{attachment}", attachments::download)
        .get("/v1/me/slots", appointments::slots)
        .get("/v1/me/appointments", appointments::upcoming)
        .post("/v1/me/appointments", appointments::book)
        .post("/v1/me/appointments/{appointment}/change", appointments::change)
        .post("/v1/me/appointments/{appointment}/cancel", appointments::cancel)
        .get("/v1/me/prescriptions", appointments::prescriptions)
        .get("/v1/me/invoices", payments::invoices)
        .post("/v1/me/invoices/{invoice}/pay", payments::pay)
        .get("/v1/me/payments", payments::payments)
        .get("/v1/me/notice-preferences", notices::preferences)
        .put("/v1/me/notice-preferences", notices::prefer)
        .get("/v1/me/survey", surveys::open)
        .post("/v1/me/survey", surveys::answer)
        .get("/v1/me/digital-dialog", choices::digital)
        .put("/v1/me/digital-dialog", choices::choose_digital)
        .get("/v1/me/archive", choices::archive)
        .put("/v1/me/archive", choices::choose_archive)
        .get("/v1/me/events", events::stream)
        .get("/v1/me/receipts/{index}", access::receipt)
        .get("/v1/me/access-log", access::log)
        .get("/v1/events", events::feed)
        .get("/v1/limits", operations::limits)
        .get("/v1/openapi.yaml", operations::openapi)
        .get("/health/live", operations::live)
        .get("/health/ready", operations::ready)
}

/// The vendors' listener.
#[must_use]
pub fn provider() -> Routes {
    Routes::new().post("/v1/deliveries/{plugin}/{*path}", deliveries::receive)
}

/// The operator's listener. It answers also when the others turn requests away.
#[must_use]
pub fn operations() -> Routes {
    Routes { sheds: false, ..Routes::new() }
        .get("/log/checkpoint", log::checkpoint)
        .get("/log/removed", log::removed)
        .get("/log/tile/{*path}", log::tile)
        .get("/log/predecessors/{origin}/checkpoint", log::earlier_checkpoint)
        .get("/log/predecessors/{origin}/removed", log::earlier_removed)
        .get("/log/predecessors/{origin}/tile/{*path}", log::earlier_tile)
        .get("/unreadable", operations::unreadable)
        .post("/v1/erasures", operations::erase)
        .get("/v1/survey-results", surveys::results)
        .get("/v1/offices/{herId}/agreements", agreements::list)
        .get("/v1/offices/{herId}/agreements/{service}", agreements::read)
        .put("/v1/offices/{herId}/agreements/{service}", agreements::change)
        .add(Method::DELETE, "/v1/offices/{herId}/agreements/{service}", agreements::reset)
        .get("/v1/offices/{herId}/handover/{plugin}", agreements::export)
        .post("/v1/offices/{herId}/handover/{plugin}", agreements::hand_over)
        .get("/v1/plugins", plugins::list)
        .post("/v1/plugins", plugins::install)
        .get("/v1/plugins/{plugin}", plugins::read)
        .post("/v1/plugins/{plugin}/grants", plugins::grant)
        .post("/v1/plugins/{plugin}/revocations", plugins::revoke)
        .post("/v1/plugins/{plugin}/rollback", plugins::roll_back)
        .get("/metrics", operations::metrics)
        .get("/health/live", operations::live)
        .get("/health/ready", operations::ready)
}

async fn not_found() -> Refusal {
    Refusal::of(ProblemType::NotFound)
}

async fn method_not_allowed() -> Refusal {
    Refusal::of(ProblemType::MethodNotAllowed)
}
