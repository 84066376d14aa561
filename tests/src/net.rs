//! Addresses at which nobody answers.

use std::io;
use std::net::{Ipv4Addr, SocketAddr, TcpStream};
use std::time::Duration;

use socket2::{Domain, Socket, Type};

/// How long a connection to a listener on this machine may take before the listener counts as full.
const FULL: Duration = Duration::from_millis(100);

fn bound() -> io::Result<(Socket, SocketAddr)> {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None)?;
    socket.bind(&SocketAddr::from((Ipv4Addr::LOCALHOST, 0)).into())?;
    let addr = socket
        .local_addr()?
        .as_socket()
        .ok_or_else(|| io::Error::other("not an internet address"))?;
    Ok((socket, addr))
}

/// An address that refuses connections. As long as this value lives, no other process can come to listen there.
#[derive(Debug)]
pub struct Refusing {
    _socket: Socket,
    addr: SocketAddr,
}

impl Refusing {
    /// Reserves an address without listening on it.
    ///
    /// # Errors
    /// What the system says.
    pub fn new() -> io::Result<Self> {
        let (socket, addr) = bound()?;
        Ok(Self {
            _socket: socket,
            addr,
        })
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

/// A listener that never accepts and whose backlog is full: who connects to it goes on connecting (`SYN_SENT`).
#[derive(Debug)]
pub struct FullBacklog {
    _listener: Socket,
    _fillers: Vec<TcpStream>,
    addr: SocketAddr,
}

impl FullBacklog {
    /// Listens with the smallest backlog and fills it.
    ///
    /// # Errors
    /// What the system says; also if the backlog does not become full, as on systems that refuse instead of waiting.
    pub fn new() -> io::Result<Self> {
        let (listener, addr) = bound()?;
        listener.listen(0)?;
        let mut fillers = Vec::new();
        for _ in 0..64 {
            match TcpStream::connect_timeout(&addr, FULL) {
                Ok(filler) => fillers.push(filler),
                Err(error) if error.kind() == io::ErrorKind::TimedOut => {
                    return Ok(Self {
                        _listener: listener,
                        _fillers: fillers,
                        addr,
                    });
                }
                Err(error) => return Err(error),
            }
        }
        Err(io::Error::other("the backlog does not become full"))
    }

    /// The address.
    pub fn addr(&self) -> SocketAddr {
        self.addr
    }

    /// `http://` and the address.
    pub fn url(&self) -> String {
        format!("http://{}", self.addr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusing_address_refuses() {
        let refusing = Refusing::new().unwrap();
        let error = TcpStream::connect(refusing.addr()).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::ConnectionRefused);
    }

    #[test]
    #[cfg(target_os = "linux")]
    fn a_client_of_a_full_backlog_goes_on_connecting() {
        let full = FullBacklog::new().unwrap();
        let error = TcpStream::connect_timeout(&full.addr(), Duration::from_millis(300)).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }
}
