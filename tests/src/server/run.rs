//! The thread of a server: accept, read, wait, answer.

use std::convert::Infallible;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::sync::Arc;
use std::time::Instant;
use std::{future, io};

use http::header::{HOST, HeaderValue};
use http::{Method, Response, StatusCode, Version};
use http_body::Body;
use http_body_util::BodyExt;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use socket2::{Domain, Socket, Type};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

use super::app::{Answer, Framing, Request};
use super::body::AnswerBody;
use super::conn::{Control, Counted};
use super::fault::{At, Break};
use super::{Protocol, Shared};
use crate::sync::lock;

/// As many streams as a client cares to open, so that the client's own width is what is measured.
const STREAMS: u32 = 4096;

/// Binds with a backlog that a client 1,000 requests wide does not fill (a full one costs a second per connection).
pub(crate) fn bind(port: u16) -> io::Result<TcpListener> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    #[cfg(unix)]
    socket.set_reuse_address(true)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, port)).into())?;
    socket.listen(4096)?;
    socket.set_nonblocking(true)?;
    Ok(socket.into())
}

/// Everything the thread needs.
pub(crate) struct Serve {
    pub(crate) listener: TcpListener,
    pub(crate) shared: Arc<Shared>,
    pub(crate) tls: Option<rustls::ServerConfig>,
    pub(crate) protocol: Protocol,
    pub(crate) threads: usize,
    pub(crate) stopped: watch::Receiver<bool>,
    pub(crate) listens: watch::Receiver<bool>,
}

impl Serve {
    pub(crate) fn run(mut self) {
        let mut builder = match self.threads {
            0 => tokio::runtime::Builder::new_current_thread(),
            threads => {
                let mut builder = tokio::runtime::Builder::new_multi_thread();
                builder.worker_threads(threads);
                builder
            }
        };
        let runtime = builder
            .enable_all()
            .thread_name("test-server")
            .build()
            .expect("a runtime can be built");
        let mut stopped = self.stopped.clone();
        runtime.block_on(async {
            let shared = Arc::clone(&self.shared);
            tokio::select! {
                () = self.accept() => {}
                () = shared.gate.run(&shared.connections, &shared.log) => {}
                _ = stopped.wait_for(|stopped| *stopped) => {}
            }
        });
        // The runtime goes here, and with it every connection.
    }

    async fn accept(&mut self) {
        let std_listener = self.listener.try_clone().expect("a socket can be duplicated");
        let listener = tokio::net::TcpListener::from_std(std_listener).expect("the socket is non-blocking");
        let acceptor = self.tls.take().map(|config| TlsAcceptor::from(Arc::new(config)));
        let mut connections = JoinSet::new();
        let mut listens = self.listens.clone();
        loop {
            let accepted = tokio::select! {
                accepted = listener.accept() => accepted,
                Some(_) = connections.join_next() => continue,
                _ = listens.wait_for(|listens| !listens) => break,
            };
            let Ok((stream, _)) = accepted else { continue };
            drop(stream.set_nodelay(true));
            let stream = Counted::new(stream, &self.shared.connections);
            let (shared, acceptor, protocol) = (Arc::clone(&self.shared), acceptor.clone(), self.protocol);
            connections.spawn(async move {
                let control = stream.control();
                let served = async {
                    match acceptor {
                        Some(acceptor) => {
                            // A failed handshake ends the connection; the client says why.
                            if let Ok(stream) = acceptor.accept(stream).await {
                                serve(stream, protocol, &shared, &control).await;
                            }
                        }
                        None => serve(stream, protocol, &shared, &control).await,
                    }
                };
                tokio::select! { () = served => {}, () = control.ended() => {} }
            });
        }
        drop(listener);
        // The duplicate has to go too, or the port would stay open.
        let unused = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("a local socket can be bound");
        drop(std::mem::replace(&mut self.listener, unused));
        while connections.join_next().await.is_some() {}
        future::pending::<()>().await;
    }
}

async fn serve<S>(stream: S, protocol: Protocol, shared: &Arc<Shared>, control: &Arc<Control>)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new());
    builder
        .http2()
        .timer(TokioTimer::new())
        .max_concurrent_streams(STREAMS);
    let builder = match protocol {
        Protocol::Both => builder,
        Protocol::Http1 => builder.http1_only(),
        Protocol::Http2 => builder.http2_only(),
    };
    let service = service_fn(|request| answer(request, Arc::clone(shared), Arc::clone(control)));
    // An error here is a client that went away or does not speak HTTP: its own business.
    drop(builder.serve_connection(TokioIo::new(stream), service).await);
}

async fn answer(
    request: http::Request<Incoming>,
    shared: Arc<Shared>,
    control: Arc<Control>,
) -> Result<Response<AnswerBody>, Infallible> {
    let (parts, incoming) = request.into_parts();
    let mut request = Request {
        method: parts.method,
        path: parts.uri.path().to_owned(),
        query: parts.uri.query().map(str::to_owned),
        headers: parts.headers,
        scheme: shared.scheme,
        version: parts.version,
        body: bytes::Bytes::new(),
    };
    // HTTP/2 names the host in the URI.
    if let Some(authority) = parts.uri.authority()
        && let Ok(host) = HeaderValue::from_str(authority.as_str())
    {
        request.headers.entry(HOST).or_insert(host);
    }
    let ticket = shared.log.enter(control.id, &request);
    let (id, fault) = shared.faults.strike(&request).unzip();
    let fault = fault.unwrap_or_default();
    ticket.update(|entry| entry.fault = id);

    if let Some((At::Head, how)) = fault.broken {
        tokio::time::sleep(fault.delay).await;
        control.end(how);
        if !incoming.is_end_stream() {
            control.end_with_client().await;
        }
        // A stall holds the request, its unread body and this ticket until the client goes.
        return future::pending().await;
    }
    match incoming.collect().await {
        Ok(body) => request.body = body.to_bytes(),
        Err(_) => {
            // The client broke off: the request has no effect.
            control.end(Break::Close);
            return future::pending().await;
        }
    }
    ticket.update(|entry| entry.bytes_received = request.body.len());
    shared.gate.pass().await;
    let delay = *lock(&shared.delay) + fault.delay;
    if !delay.is_zero() {
        tokio::time::sleep(delay).await;
    }

    let mut answer = match &fault.replace {
        Some((status, body)) => {
            if fault.applied {
                // What it would have answered is what the client does not get to know.
                let _ = shared.app.answer(&request);
            }
            Answer {
                body: body.clone(),
                ..Answer::status(*status)
            }
        }
        None => shared.app.answer(&request),
    };
    if let Some((At::Answer, how)) = fault.broken {
        control.end(how);
        return future::pending().await;
    }
    fault.edit(&mut answer);
    answer.set_length();
    ticket.update(|entry| {
        entry.status = Some(answer.status.as_u16());
        entry.answered = Some(Instant::now());
        entry.note = answer.note;
    });
    let bodiless = request.method == Method::HEAD
        || answer.status == StatusCode::NO_CONTENT
        || answer.status == StatusCode::NOT_MODIFIED;
    let data = if bodiless {
        bytes::Bytes::new()
    } else {
        answer.body
    };
    let broken = fault.broken.filter(|_| !bodiless);
    let mut response = Response::new(AnswerBody::new(data, broken, fault.drip, control, ticket));
    *response.status_mut() = answer.status;
    *response.headers_mut() = answer.headers;
    let old = matches!(answer.framing, Framing::UntilClose | Framing::LengthThenClose);
    if old && request.version != Version::HTTP_2 {
        *response.version_mut() = Version::HTTP_10;
    }
    Ok(response)
}
