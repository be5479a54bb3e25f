//! Threads that do jobs of one kind, many at once.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use crate::error::Error;

/// Does a job and reports what became of it; is told when nothing more is to be begun.
type Work<Job> = Arc<dyn Fn(Job, &AtomicBool) + Send + Sync>;

/// The threads; they end when this is dropped, after the request that each has under way.
pub(super) struct Pool<Job> {
    jobs: Option<Sender<Job>>,
    queue: Arc<Mutex<Receiver<Job>>>,
    work: Work<Job>,
    threads: Vec<JoinHandle<()>>,
    /// Set when nothing more is to be begun.
    stop: Arc<AtomicBool>,
}

impl<Job: Send + 'static> Pool<Job> {
    /// Makes one without threads.
    pub(super) fn new(work: impl Fn(Job, &AtomicBool) + Send + Sync + 'static) -> Self {
        let (jobs, queue) = mpsc::channel();
        Self {
            jobs: Some(jobs),
            queue: Arc::new(Mutex::new(queue)),
            work: Arc::new(work),
            threads: Vec::new(),
            stop: Arc::default(),
        }
    }

    /// Starts one more thread while there are fewer than that.
    pub(super) fn grow(&mut self, at_most: usize) -> Result<(), Error> {
        if self.threads.len() < at_most {
            let (queue, work) = (Arc::clone(&self.queue), Arc::clone(&self.work));
            let stop = Arc::clone(&self.stop);
            let thread = std::thread::Builder::new()
                .spawn(move || {
                    while let Some(job) = next(&queue) {
                        work(job, &stop);
                    }
                })
                .map_err(|error| Error::Internal { problem: error.to_string() })?;
            self.threads.push(thread);
        }
        Ok(())
    }

    /// Hands a job to a thread.
    pub(super) fn hand(&self, job: Job) {
        // The threads hold the other end as long as this exists.
        if let Some(jobs) = &self.jobs {
            let _ = jobs.send(job);
        }
    }
}

impl<Job> Drop for Pool<Job> {
    fn drop(&mut self) {
        // What waits in the queue is for the next worker.
        self.stop.store(true, Ordering::Relaxed);
        drop(self.jobs.take());
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

fn next<Job>(queue: &Mutex<Receiver<Job>>) -> Option<Job> {
    queue.lock().unwrap_or_else(PoisonError::into_inner).recv().ok()
}
