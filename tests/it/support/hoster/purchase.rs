//! A server of a hoster.

use std::net::Ipv4Addr;
use std::time::Instant;

use serde_json::{Value, json};

use super::cloud::BEFORE_FIRST_ID;
use super::mode::{Listed, Mode, Outcome};
use crate::support::plugin::CANARY;

/// A server that was bought.
#[derive(Debug, Clone)]
pub(crate) struct Purchase {
    pub(crate) id: u64,
    /// Its id as its hoster shows it.
    pub(crate) shown: String,
    pub(crate) name: String,
    /// When it was bought.
    pub(crate) at: Instant,
    /// Whether somebody else bought it.
    pub(crate) planted: bool,
    /// Whether its removal was asked for, and done or begun.
    pub(crate) removed: bool,
    /// How many requests to create a server bore its name, whatever became of them.
    pub(crate) creates: usize,
    /// How many requests named its id, whatever became of them.
    pub(crate) requests: usize,
    /// The public address that was bought for it, where those are bought apart.
    pub(crate) address: Option<String>,
    /// The root password that the request bore or that the hoster chose.
    pub(crate) password: Option<String>,
    /// The user-data that it is started with.
    pub(crate) user_data: Option<String>,
    /// Whether it was not started, or was stopped.
    pub(crate) stopped: bool,
    /// What else the request said, in the words of whose API is spoken.
    pub(super) vendor: Value,
    pub(super) plan: String,
    pub(super) image: String,
    /// How many looks at it there were; how many since it was removed, those at the list as well.
    pub(super) polls: usize,
    pub(super) polls_since_removal: usize,
    /// How many lists there were since it was bought.
    pub(super) lists: usize,
    pub(super) passwords: usize,
}

impl Purchase {
    pub(super) fn new(mode: &Mode, id: u64, name: &str, plan: &str, image: &str) -> Self {
        Self {
            id,
            shown: mode.dialect.map_or_else(|| id.to_string(), |dialect| dialect.id(id)),
            name: name.to_owned(),
            at: Instant::now(),
            planted: false,
            removed: false,
            creates: 0,
            requests: 0,
            address: None,
            password: None,
            user_data: None,
            stopped: false,
            vendor: Value::Null,
            plan: plan.to_owned(),
            image: image.to_owned(),
            polls: 0,
            polls_since_removal: 0,
            lists: 0,
            passwords: 0,
        }
    }

    /// Returns whether it can be seen at all.
    pub(super) const fn is_there(&self, mode: &Mode) -> bool {
        !self.removed || mode.removed_stay() || self.polls_since_removal < mode.removing_polls
    }

    pub(super) fn is_listed(&self, mode: &Mode) -> bool {
        self.planted
            || match mode.listed {
                Listed::AtOnce => true,
                Listed::AfterLists(count) => self.lists > count,
                Listed::After(time) => self.at.elapsed() >= time,
            }
    }

    /// Counts a look at it; returns whether it is found.
    pub(super) const fn look(&mut self, mode: &Mode) -> bool {
        if self.removed {
            self.polls_since_removal += 1;
            return true;
        }
        if !self.stopped || self.polls < mode.absent_polls {
            self.polls += 1;
        } else {
            return true;
        }
        self.polls > mode.absent_polls
    }

    fn status(&self, mode: &Mode) -> &'static str {
        let built = self.polls > mode.absent_polls.saturating_add(mode.building_polls);
        match mode.outcome {
            _ if self.removed && self.polls_since_removal > mode.removing_polls => "removed",
            _ if self.removed => "deleting",
            _ if self.stopped => "stopped",
            _ if !built => "building",
            Outcome::Runs => "running",
            Outcome::Fails => "error",
        }
    }

    pub(super) fn json(&self, mode: &Mode) -> Value {
        let status = self.status(mode);
        let network = self.network(mode);
        json!({
            "vendor": self.vendor, "id": self.id, "name": self.name, "plan": self.plan, "image": self.image,
            "status": status, "ip": network["public"][0], "private_ip": network["private"][0],
            "reason": (status == "error").then_some("the image is broken"),
        })
    }

    pub(super) fn network(&self, mode: &Mode) -> Value {
        if self.status(mode) != "running" {
            return json!({ "public": [], "private": [] });
        }
        let number = u32::try_from(self.id - BEFORE_FIRST_ID).expect("few servers");
        let below = |first: [u8; 4]| Ipv4Addr::from(u32::from_be_bytes(first) + number).to_string();
        let public = mode.address.clone().unwrap_or_else(|| below([127, 0, 0, 0]));
        json!({ "public": [public], "private": [below([10, 0, 0, 0])] })
    }

    /// Gives it a new root password.
    pub(super) fn choose_password(&mut self) -> String {
        self.passwords += 1;
        let password = format!("{CANARY}{}x{}", self.id, self.passwords);
        self.password = Some(password.clone());
        password
    }
}
