//! What stands between a name and a connection: addresses that must not be connected to are taken
//! out of what the look-up gave.
//!
//! Only here is it certain. A URL has many spellings of one address (`http://2852039166/` is
//! 169.254.169.254), and a name that was looked up before may have another address now. What this
//! lets through is what ureq connects to.

use std::sync::mpsc;
use std::{fmt, io, thread};

use ureq::Error;
use ureq::config::Config;
use ureq::http::Uri;
use ureq::unversioned::resolver::{DefaultResolver, ResolvedSocketAddrs, Resolver};
use ureq::unversioned::transport::NextTimeout;
use ureq::unversioned::transport::time::Duration;

use super::Refuses;

/// Looks names up as usual, and asks about each address.
#[derive(Default)]
pub(super) struct Guard {
    refuses: Option<Refuses>,
}

impl Guard {
    pub(super) const fn new(refuses: Option<Refuses>) -> Self {
        Self { refuses }
    }
}

/// Looks a name up on a thread that is left behind when time is up.
///
/// ureq would do the same, but panics where no thread can be started.
fn look_up(
    uri: &Uri,
    config: &Config,
    mut timeout: NextTimeout,
) -> Result<ResolvedSocketAddrs, Error> {
    let (uri, config) = (uri.clone(), config.clone());
    let (reason, patience) = (timeout.reason, *timeout.after);
    timeout.after = Duration::NotHappening;
    let (sender, receiver) = mpsc::channel();
    let ask = move || {
        // Where nobody waits any more, nobody wants to know.
        let _ = sender.send(DefaultResolver::default().resolve(&uri, &config, timeout));
    };
    thread::Builder::new().spawn(ask).map_err(Error::Io)?;
    receiver.recv_timeout(patience).unwrap_or(Err(Error::Timeout(reason)))
}

impl fmt::Debug for Guard {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Guard")
    }
}

impl Resolver for Guard {
    fn resolve(
        &self,
        uri: &Uri,
        config: &Config,
        timeout: NextTimeout,
    ) -> Result<ResolvedSocketAddrs, Error> {
        let found = look_up(uri, config, timeout)?;
        let Some(refuses) = &self.refuses else {
            return Ok(found);
        };
        let mut left = self.empty();
        let mut problem = None;
        for address in &found {
            match refuses(address.ip()) {
                None => left.push(*address),
                Some(why) => problem = problem.or(Some(why)),
            }
        }
        match problem {
            Some(why) if left.is_empty() => Err(Error::Io(io::Error::other(why))),
            _ => Ok(left),
        }
    }
}
