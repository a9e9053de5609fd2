use crate::ViewerEvent;
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

/// Where the renderer of `stream` listens: beside the broker's socket, which is in a folder of the user's own.
#[must_use]
pub fn socket_path(stream: &str) -> PathBuf {
    let folder = match (std::env::var_os("FERRY_SOCKET"), std::env::var_os("XDG_RUNTIME_DIR")) {
        (Some(socket), _) => Path::new(&socket).parent().map_or_else(|| PathBuf::from("."), Path::to_owned),
        (None, Some(runtime)) => Path::new(&runtime).join("ferry"),
        (None, None) => PathBuf::from("/run/ferry"),
    };
    folder.join(format!("input-{}", file_name(stream)))
}

/// A stream's name may hold anything; a file's may not. Different names stay different.
fn file_name(stream: &str) -> String {
    let mut name = String::new();
    for byte in stream.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' => name.push(byte as char),
            other => name += &format!("%{other:02x}"),
        }
    }
    name
}

/// The renderer's end. Its socket goes with it; one that a killed renderer left is replaced.
#[derive(Debug)]
pub struct InputReceiver {
    socket: UnixDatagram,
    path: PathBuf,
    /// The socket's file: device and inode.
    file: (u64, u64),
}

impl InputReceiver {
    /// `AddrInUse` while another renderer listens for that stream.
    pub fn bind(stream: &str) -> Result<Self> {
        let path = socket_path(stream);
        let socket = match UnixDatagram::bind(&path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                if is_listened_to(&path)? {
                    let text = format!("another renderer listens for viewers of '{stream}' at {}", path.display());
                    return Err(Error::new(ErrorKind::AddrInUse, text));
                }
                std::fs::remove_file(&path)?;
                UnixDatagram::bind(&path)?
            }
            bound => bound?,
        };
        socket.set_nonblocking(true)?;
        let file = file_of(&path)?;
        Ok(Self { socket, path, file })
    }

    /// The next event, `None` when all have been read. What is not one of ours is passed over.
    pub fn next(&self) -> Option<ViewerEvent> {
        let mut bytes = [0; 64];
        loop {
            match self.socket.recv(&mut bytes) {
                Ok(length) => {
                    if let Some(event) = ViewerEvent::decode(&bytes[..length]) {
                        return Some(event);
                    }
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(_) => return None,
            }
        }
    }
}

impl Drop for InputReceiver {
    fn drop(&mut self) {
        // Another renderer's may be there by now, when somebody removed ours.
        if file_of(&self.path).is_ok_and(|file| file == self.file) {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

fn file_of(path: &Path) -> Result<(u64, u64)> {
    let file = std::fs::symlink_metadata(path)?;
    Ok((file.dev(), file.ino()))
}

/// Whether a living process has bound the socket: connecting to what a killed one left is refused.
fn is_listened_to(path: &Path) -> Result<bool> {
    match UnixDatagram::unbound()?.connect(path) {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => Ok(false),
        Err(error) => Err(error),
    }
}

/// The viewer's end. Never blocks.
#[derive(Debug)]
pub struct InputSender {
    socket: UnixDatagram,
    path: PathBuf,
}

impl InputSender {
    pub fn new(stream: &str) -> Result<Self> {
        let socket = UnixDatagram::unbound()?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket, path: socket_path(stream) })
    }

    /// False when no renderer listens, or it does not keep up.
    pub fn send(&self, event: ViewerEvent) -> bool {
        self.socket.send_to(&event.encode(), &self.path).is_ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_arrive_in_order_and_a_renderer_may_come_back() {
        let folder = std::env::temp_dir().join(format!("ferry-input.{}", std::process::id()));
        std::fs::create_dir_all(&folder).unwrap();
        // SAFETY: the only test of this crate that reads or writes the environment.
        unsafe { std::env::set_var("FERRY_SOCKET", folder.join("ferryd.sock")) };
        let event = |id| ViewerEvent::Command { id, value: 0 };
        let sender = InputSender::new("cam/1 ä").unwrap();
        assert!(!sender.send(event(0)), "nobody listens yet");
        let receiver = InputReceiver::bind("cam/1 ä").unwrap();
        assert!(sender.send(event(1)) && sender.send(event(2)));
        assert_eq!(receiver.next(), Some(event(1)));
        assert_eq!(receiver.next(), Some(event(2)));
        assert_eq!(receiver.next(), None);
        assert_eq!(InputReceiver::bind("cam/1 ä").unwrap_err().kind(), ErrorKind::AddrInUse);
        assert!(sender.send(event(3)), "a second renderer took the first one's socket");
        assert_eq!(receiver.next(), Some(event(3)));

        // Killed: its socket stays behind, and nobody has it.
        std::fs::rename(socket_path("cam/1 ä"), folder.join("kept")).unwrap();
        drop(receiver); // finds no file to remove
        std::fs::rename(folder.join("kept"), socket_path("cam/1 ä")).unwrap();
        assert!(!sender.send(event(4)));

        let second = InputReceiver::bind("cam/1 ä").unwrap();
        assert!(sender.send(event(5)));
        assert_eq!(second.next(), Some(event(5)));
        std::fs::remove_file(socket_path("cam/1 ä")).unwrap();
        let third = InputReceiver::bind("cam/1 ä").unwrap();
        drop(second);
        assert!(sender.send(event(6)), "who ended took the other's socket along");
        assert_eq!(third.next(), Some(event(6)));
        drop(third);
        assert!(!sender.send(event(7)));
        assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 0);
        std::fs::remove_dir(&folder).unwrap();
    }

    #[test]
    fn names_stay_different() {
        assert_eq!(file_name("cam-1_B"), "cam-1_B");
        assert_ne!(file_name("a/b"), file_name("a%2fb"));
        assert!(!file_name("../x").contains('/'));
    }
}
