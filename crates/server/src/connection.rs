//! One connection: TLS, and the requests that come on it.

use std::sync::Arc;
use std::time::Duration;

use http_body_util::{BodyExt as _, Full, LengthLimitError, Limited};
use hyper::body::{Bytes, Incoming};
use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper::{Method, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioIo, TokioTimer};
use plimsoll_checks::admission::SIZE;
use plimsoll_report::admission::{Answer, Fate};
use rustls::ServerConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, timeout, timeout_at};
use tokio_rustls::TlsAcceptor;

use crate::desk::Desk;

/// A handshake must be done in this time.
const HANDSHAKE: Duration = Duration::from_secs(5);
/// A connection on which nothing is asked for so long is closed; clients written in Go close theirs earlier.
const IDLE: Duration = Duration::from_secs(100);
/// Reviews are posted here.
const PATH: &str = "/admit";
/// Whoever wants to know whether it listens asks here.
const HEALTH: &str = "/healthz";

type Reply = Response<Full<Bytes>>;

/// Serves a connection to its end, or until what is being answered is answered when all shall end.
pub(crate) async fn serve(
    stream: TcpStream,
    tls: Arc<ServerConfig>,
    desk: Arc<Desk>,
    mut is_ending: watch::Receiver<bool>,
) {
    // What is wrong with a handshake is the client's, who is told by TLS itself.
    let Ok(Ok(stream)) = timeout(HANDSHAKE, TlsAcceptor::from(tls).accept(stream)).await else { return };
    let service = service_fn(move |request| {
        let desk = Arc::clone(&desk);
        async move { Ok::<_, std::convert::Infallible>(reply(request, desk).await) }
    });
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(IDLE)
        .max_buf_size(64 << 10)
        .serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    tokio::select! {
        // Who breaks off gets no answer, which is none.
        _ = connection.as_mut() => return,
        _ = is_ending.wait_for(|is_ending| *is_ending) => {}
    }
    connection.as_mut().graceful_shutdown();
    drop(connection.await);
}

async fn reply(request: Request<Incoming>, desk: Arc<Desk>) -> Reply {
    let allowed = match request.uri().path() {
        HEALTH => Method::GET,
        PATH => Method::POST,
        _ => return plain(StatusCode::NOT_FOUND, "reviews are posted to /admit\n"),
    };
    if request.method() != allowed {
        return plain(StatusCode::METHOD_NOT_ALLOWED, "reviews are posted to /admit\n");
    }
    if allowed == Method::GET {
        return plain(StatusCode::OK, "ok\n");
    }
    let time = asked_time(request.uri().query().unwrap_or_default());
    let deadline = Instant::now() + time.map_or(desk.longest(), |time| time.min(desk.longest()));
    let body = match timeout_at(deadline, Limited::new(request.into_body(), SIZE).collect()).await {
        Ok(Ok(body)) => body.to_bytes(),
        Ok(Err(error)) if error.is::<LengthLimitError>() => {
            let words = format!("the review has more than {SIZE} bytes");
            return unread(&desk, StatusCode::PAYLOAD_TOO_LARGE, &words).await;
        }
        Ok(Err(_)) => return unread(&desk, StatusCode::BAD_REQUEST, "the review broke off").await,
        Err(_) => return unread(&desk, StatusCode::REQUEST_TIMEOUT, "the review came too slowly").await,
    };
    // On a task of its own: should it panic, there is somebody left to deny it.
    let (asked, own) = (body.clone(), Arc::clone(&desk));
    let answer = tokio::spawn(async move { own.answer(asked, deadline).await }).await;
    let (uid, bytes) = match answer {
        Ok(answered) => answered,
        Err(_) => desk.denied(&body, Fate::Undecided, "deciding it broke off").await,
    };
    json(if uid.is_empty() { StatusCode::BAD_REQUEST } else { StatusCode::OK }, bytes)
}

/// The denial of a review that did not come whole: whoever sent it finds no identifier in it.
async fn unread(desk: &Desk, status: StatusCode, words: &str) -> Reply {
    let (_, bytes) = desk.denied(&Bytes::new(), Fate::Malformed, words).await;
    json(status, bytes)
}

/// Four fifths of how long the API server waits, which it tells in its request: `?timeout=10s`.
fn asked_time(query: &str) -> Option<Duration> {
    let told = query.split('&').find_map(|pair| pair.strip_prefix("timeout="))?;
    let seconds: u32 = told.strip_suffix('s')?.parse().ok()?;
    Some(Duration::from_secs(u64::from(seconds)).mul_f32(0.8))
}

fn plain(status: StatusCode, words: &'static str) -> Reply {
    with(status, "text/plain; charset=utf-8", Bytes::from_static(words.as_bytes()))
}

fn json(status: StatusCode, bytes: Vec<u8>) -> Reply {
    with(status, "application/json", bytes.into())
}

fn with(status: StatusCode, media_type: &'static str, bytes: Bytes) -> Reply {
    let mut reply = Response::new(Full::new(bytes));
    *reply.status_mut() = status;
    reply.headers_mut().insert(header::CONTENT_TYPE, header::HeaderValue::from_static(media_type));
    reply
}

/// An answer that nobody made.
pub(crate) fn denial(uid: &str, fate: Fate, words: &str) -> Answer {
    Answer::new(uid, fate, &format!("plimsoll: {words}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_that_the_server_waits_is_read_from_its_request() {
        for (query, millis) in [
            ("timeout=10s", Some(8000)),
            ("a=b&timeout=1s", Some(800)),
            ("timeout=0s", Some(0)),
            ("timeout=1m0s", None),
            ("timeout=-1s", None),
            ("timeout=99999999999s", None),
            ("timeout=", None),
            ("", None),
        ] {
            assert_eq!(asked_time(query).map(|time| time.as_millis()), millis, "{query}");
        }
    }
}
