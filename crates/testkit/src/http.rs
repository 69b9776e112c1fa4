//! A small HTTP server whose every answer the test writes byte by byte, so that it can misbehave in any way.

use std::fmt;
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use rustls::{ServerConnection, StreamOwned};

use crate::tls::Identity;

/// A request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET`, `POST` …
    pub method: String,
    /// The path with its query.
    pub target: String,
    /// The headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body.
    pub body: Vec<u8>,
}

impl Request {
    /// The header `name` (in lower case).
    #[must_use]
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }
}

/// Both directions of a connection.
pub trait ReadWrite: Read + Write {}

impl<T: Read + Write> ReadWrite for T {}

/// A connection on which one request has come.
pub struct Connection<'a>(&'a mut dyn ReadWrite);

impl fmt::Debug for Connection<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Connection")
    }
}

impl Connection<'_> {
    /// Sends a whole answer.
    pub fn answer(&mut self, status: u16, headers: &[(&str, &str)], body: &[u8]) {
        let length = body.len().to_string();
        let headers: Vec<(&str, &str)> =
            headers.iter().copied().chain([("Content-Length", length.as_str())]).collect();
        self.head(status, &headers);
        self.send(body);
    }

    /// Sends the head of an answer.
    pub fn head(&mut self, status: u16, headers: &[(&str, &str)]) {
        let mut head = format!("HTTP/1.1 {status} Status\r\nConnection: close\r\n");
        for (name, value) in headers {
            head.push_str(&format!("{name}: {value}\r\n"));
        }
        head.push_str("\r\n");
        self.send(head.as_bytes());
    }

    /// Sends bytes; tells whether the client still takes them.
    pub fn send(&mut self, bytes: &[u8]) -> bool {
        self.0.write_all(bytes).and_then(|()| self.0.flush()).is_ok()
    }

    /// Does nothing until the client goes away.
    pub fn hang(&mut self) {
        io::copy(&mut self.0, &mut io::sink()).unwrap_or_default();
    }
}

type Handler = dyn Fn(&Request, &mut Connection<'_>) + Send + Sync;

/// A server on a free port of the loopback interface; each connection takes one request.
pub struct HttpServer {
    address: SocketAddr,
    scheme: &'static str,
    requests: Arc<Mutex<Vec<Request>>>,
    stop: Arc<AtomicBool>,
    thread: Option<JoinHandle<()>>,
}

impl fmt::Debug for HttpServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("HttpServer").field(&self.address).finish()
    }
}

impl HttpServer {
    /// Starts a server; `handler` writes the answers.
    #[must_use]
    pub fn start(handler: impl Fn(&Request, &mut Connection<'_>) + Send + Sync + 'static) -> Self {
        Self::serve(None, Arc::new(handler))
    }

    /// Starts a server that speaks TLS.
    #[must_use]
    pub fn start_tls(
        identity: &Identity,
        handler: impl Fn(&Request, &mut Connection<'_>) + Send + Sync + 'static,
    ) -> Self {
        Self::serve(Some(identity), Arc::new(handler))
    }

    fn serve(identity: Option<&Identity>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
        let address = listener.local_addr().expect("an address");
        let requests = Arc::new(Mutex::new(Vec::new()));
        let stop = Arc::new(AtomicBool::new(false));
        let config = identity.map(Identity::server);
        let scheme = if config.is_some() { "https" } else { "http" };
        let (seen, stopped) = (Arc::clone(&requests), Arc::clone(&stop));
        let thread = std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                if stopped.load(Ordering::Acquire) {
                    break;
                }
                let (handler, seen, config) = (Arc::clone(&handler), Arc::clone(&seen), config.clone());
                std::thread::spawn(move || match config {
                    None => converse(stream, &*handler, &seen),
                    Some(config) => {
                        let session = ServerConnection::new(config).expect("a sound configuration");
                        converse(StreamOwned::new(session, stream), &*handler, &seen);
                    }
                });
            }
        });
        Self { address, scheme, requests, stop, thread: Some(thread) }
    }

    /// `127.0.0.1:PORT`.
    #[must_use]
    pub fn host(&self) -> String {
        self.address.to_string()
    }

    /// `http://127.0.0.1:PORT`.
    #[must_use]
    pub fn url(&self) -> String {
        format!("{}://{}", self.scheme, self.address)
    }

    /// All requests so far.
    #[must_use]
    pub fn requests(&self) -> Vec<Request> {
        self.requests.lock().unwrap().clone()
    }
}

impl Drop for HttpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread up, which waits for a connection.
        drop(TcpStream::connect(self.address));
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap_or_default();
        }
    }
}

fn converse(mut stream: impl Read + Write, handler: &Handler, seen: &Mutex<Vec<Request>>) {
    let Some(request) = read_request(&mut stream) else { return };
    seen.lock().unwrap().push(request.clone());
    handler(&request, &mut Connection(&mut stream));
}

fn read_request(stream: &mut impl Read) -> Option<Request> {
    let mut head = Vec::new();
    let mut byte = [0_u8];
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte).ok()?;
        head.extend(byte);
    }
    let head = String::from_utf8(head).ok()?;
    let mut lines = head.lines();
    let mut words = lines.next()?.split(' ').map(str::to_owned);
    let (method, target) = (words.next()?, words.next()?);
    let headers: Vec<(String, String)> = lines
        .filter_map(|line| line.split_once(':'))
        .map(|(name, value)| (name.to_ascii_lowercase(), value.trim().to_owned()))
        .collect();
    let mut request = Request { method, target, headers, body: Vec::new() };
    let length: usize = request.header("content-length").map_or(0, |length| length.parse().unwrap_or(0));
    request.body = vec![0; length];
    stream.read_exact(&mut request.body).ok()?;
    Some(request)
}
