//! A thread that waits for the broker and the stream, so that the window does not.

use ferry_wgpu::ferry::{AttachOptions, Connection, ErrorKind};
use ferry_wgpu::{Consumer, Interop, wgpu};
use std::time::Duration;

/// How long one attempt waits inside libferry; between two the thread looks whether anybody still wants the stream.
const ATTEMPT: Duration = Duration::from_secs(2);
/// Between two attempts to reach a broker that is not there.
const RETRY_AFTER: Duration = Duration::from_millis(500);

pub(crate) enum News {
    Attached(Box<Consumer>),
    /// Still trying, and why.
    Waiting(String),
}

/// Ends by itself when the receiver is dropped.
pub(crate) fn attach(stream: &str, device: &wgpu::Device, queue: &wgpu::Queue) -> async_channel::Receiver<News> {
    let (sender, receiver) = async_channel::unbounded();
    let (stream, device, queue) = (stream.to_owned(), device.clone(), queue.clone());
    std::thread::Builder::new()
        .name("ferry attach".into())
        .spawn(move || {
            let mut told = String::new();
            while !sender.is_closed() {
                let attached = Connection::open("gpui").and_then(|connection| {
                    let interop = Interop::new(&connection, &device, &queue)?;
                    let options = AttachOptions { wait: ATTEMPT.into(), ..AttachOptions::new(&stream) };
                    Consumer::attach(&interop, &options)
                });
                let error = match attached {
                    Ok(consumer) => {
                        _ = sender.send_blocking(News::Attached(Box::new(consumer)));
                        return;
                    }
                    Err(error) => error,
                };
                let why = match error.kind() {
                    ErrorKind::Timeout | ErrorKind::NotFound => format!("nobody renders '{stream}' yet"),
                    _ => error.to_string(),
                };
                if why != told {
                    told.clone_from(&why);
                    _ = sender.send_blocking(News::Waiting(why));
                }
                if error.kind() != ErrorKind::Timeout {
                    std::thread::sleep(RETRY_AFTER);
                }
            }
        })
        .expect("a thread");
    receiver
}
