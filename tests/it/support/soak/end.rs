//! The end of a soak: nobody is killed any more, everybody behaves, the workers go on to the end,
//! and what was promised is looked at.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::atomic::Ordering;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Figures, Soak};
use crate::support::book::{assert_whole, orders};
use crate::support::history::{Call, History, violations};
use crate::support::sweep::bare;

/// How many callers ask for everything at the end.
const ASKERS: usize = 4;

/// How long the workers may take to come to the end.
const LIMIT: Duration = Duration::from_mins(10);

impl Soak {
    /// Lets everything come to an end, and says what was seen.
    pub(super) fn end(mut self) -> Figures {
        self.mood.good.store(true, Ordering::SeqCst);
        self.providers.iter().for_each(|provider| provider.seller.behave());
        let mut figures = Figures {
            killed_workers: self.killed_workers.load(Ordering::SeqCst),
            steps: self.steps(),
            outages: self.outages.load(Ordering::SeqCst),
            receiver_faults: self.mood.refused.load(Ordering::SeqCst),
            ..Figures::default()
        };
        for number in 0..self.providers.len() {
            self.finish(number, &mut figures.violations);
        }
        for (number, calls) in std::mem::take(&mut self.calls).into_iter().enumerate() {
            let provider = &self.providers[number];
            let history = provider.history(calls.into_inner().expect("no caller panicked"));
            let found = violations(&history);
            if !found.is_empty() {
                self.keep(number, &history);
            }
            figures.count(&history);
            figures.faults.extend(provider.seller.faults_met().map(|met| (provider.name, met)));
            figures.violations.extend(found.iter().map(|one| format!("{}: {one}", provider.name)));
            if found.is_empty() && figures.violations.is_empty() {
                assert_whole(&provider.plugin);
            }
        }
        figures
    }

    /// Keeps what is wrong for whoever looks into it.
    fn keep(&self, provider: usize, history: &History) {
        let provider = &self.providers[provider];
        let name = format!("soak-{}-{}", self.size.seed, provider.name);
        let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        let copied =
            Command::new("cp").arg("-a").arg(provider.plugin.holder()).arg(&folder).status();
        assert!(copied.expect("cp runs").success());
        let text = format!("{:#?}", (&history.calls, &history.sold, &history.rest));
        std::fs::write(folder.join("history"), text).expect("the file is written");
    }

    /// Asks for every order as the panel does, and works to the end.
    fn finish(&self, provider: usize, found: &mut Vec<String>) {
        self.ask_for_all(provider);
        self.work(provider, found);
        self.release_again(provider);
        // Whoever changes something next clears up what was being written.
        self.providers[provider].seller.restock(&self.providers[provider].plugin);
        let mut dice = self.dice(3);
        let last = self.run(&mut dice, provider, &["order", "1"], 0);
        if last.ordered().is_none() {
            found.push(format!("the last order was refused: {last:?}"));
        }
        self.work(provider, found);
        self.ask_for_all(provider);
        self.providers[provider].plugin.settled();
    }

    /// Asks for what came to nothing, as is right: a hoster that answers badly for a moment has done so
    /// for long by a clock that is set ahead, and the server may be gone by then.
    fn release_again(&self, provider: usize) {
        let mut dice = self.dice(6);
        for (_, order) in orders(&self.providers[provider].plugin) {
            if order["state"] == "finished" && !order["reason"].is_null() {
                let id = order["task_id"].as_str().expect("a number");
                self.run(&mut dice, provider, &["orders", "release", id, "--yes"], 0);
            }
        }
    }

    fn ask_for_all(&self, provider: usize) {
        let calls = self.calls[provider].lock().expect("no caller panicked");
        let ids: BTreeSet<String> = calls.iter().filter_map(Call::ordered).collect();
        drop(calls);
        let left = Mutex::new(ids.into_iter());
        let ask = || {
            let mut dice = self.dice(4);
            let next = || left.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some(id) = next() {
                self.run(&mut dice, provider, &["order_status", &id], 0);
            }
        };
        std::thread::scope(|scope| {
            for _ in 0..ASKERS {
                scope.spawn(ask);
            }
        });
    }

    /// Works until nothing is left to do.
    fn work(&self, provider: usize, found: &mut Vec<String>) {
        let mut worker = bare(&self.providers[provider].plugin, &["work"])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("the provider runs");
        let begun = Instant::now();
        loop {
            match worker.try_wait().expect("it is ours") {
                Some(status) if status.success() => return,
                Some(status) => return found.push(format!("the worker ended with {status}")),
                None if begun.elapsed() > LIMIT => {
                    worker.kill().expect("it is ours");
                    worker.wait().expect("it is ours");
                    return found.push("the worker comes to no end".to_owned());
                }
                None => std::thread::sleep(Duration::from_millis(10)),
            }
        }
    }
}

impl Figures {
    fn count(&mut self, history: &History) {
        let asked = history.calls.iter().filter(|call| call.words[0] == "order");
        self.asked += asked.count();
        self.answered += history.answered().len();
        let are =
            |state| history.orders.iter().filter(|(_, order)| order["state"] == state).count();
        self.finished += are("finished");
        self.cancelled += are("cancelled");
        self.released += are("released");
        self.bought += history.sold.len();
        self.killed_callers += history.calls.iter().filter(|call| call.killed).count();
        self.messages += history.hooks.iter().map(|hook| hook.arrivals.len()).sum::<usize>();
        self.again += history.again();
    }
}
