//! What the types of a definition cannot say and every order rests on.

use std::collections::BTreeSet;

use super::Http;
use super::step::Step;
use crate::http::Method;

/// The longest time that a definition may name, in seconds.
const LONGEST: f64 = 86_400.0;

/// A flag of a step that means something in one part of a definition only.
struct Flag {
    name: &'static str,
    part: &'static str,
    is_set: fn(&Step) -> bool,
}

const FLAGS: [Flag; 3] = [
    Flag { name: "buys", part: "create", is_set: |step| step.buys },
    Flag { name: "clears_up", part: "cancel", is_set: |step| step.clears_up },
    Flag { name: "optional", part: "poll", is_set: |step| step.optional },
];

impl Http {
    /// Checks what the types cannot say and every order rests on.
    ///
    /// # Errors
    /// A sentence that names the place and the fault.
    pub(crate) fn checked(&self) -> Result<(), String> {
        self.flags()?;
        self.purchase()?;
        // An order remembers by name which step it has come to.
        unique("create", &self.create)?;
        unique("cancel", &self.cancel)?;
        self.auth.checked()?;
        self.seconds()
    }

    fn flags(&self) -> Result<(), String> {
        let balance = self.balance.as_ref().map_or(&[][..], |balance| &balance.steps);
        let parts: [(&str, &[Step]); 6] = [
            ("create", &self.create),
            ("poll", &self.poll.steps),
            ("cancel", &self.cancel),
            ("recover", &self.recover),
            ("balance", balance),
            ("auth", self.auth.steps()),
        ];
        for (part, steps) in parts {
            for flag in FLAGS.iter().filter(|flag| flag.part != part) {
                if let Some(step) = steps.iter().find(|step| (flag.is_set)(step)) {
                    return Err(format!(
                        "{part}: step `{}` has `{}`, which is for `{}`",
                        step.name, flag.name, flag.part
                    ));
                }
            }
        }
        Ok(())
    }

    fn purchase(&self) -> Result<(), String> {
        let mut buying = self.create.iter().filter(|step| step.buys);
        let (Some(step), None) = (buying.next(), buying.next()) else {
            let count = self.create.iter().filter(|step| step.buys).count();
            return Err(format!("create: {count} steps have `buys`, and just one must"));
        };
        let mut before = self.create.iter().take_while(|step| !step.buys);
        if let Some(step) = before.find(|step| step.request.method != Method::Get) {
            let name = &step.name;
            return Err(format!("create: step `{name}` is before the one that buys: GET it"));
        }
        if !step.save.contains_key("server_id") {
            return Err("create: the step that buys does not save `server_id`".to_owned());
        }
        if step.wait_until.is_some() {
            return Err(format!("create: step `{}` buys, so it cannot be repeated", step.name));
        }
        Ok(())
    }

    fn seconds(&self) -> Result<(), String> {
        let seconds = [
            ("find.settle_seconds", self.find.settle_seconds),
            ("poll.grace_seconds", self.poll.grace_seconds),
            ("pace.interval_seconds", self.pace.interval_seconds),
            ("pace.timeout_seconds", self.pace.timeout_seconds),
        ];
        match seconds.iter().find(|(_, value)| !(0.0..=LONGEST).contains(value)) {
            Some((place, value)) => Err(format!("{place}: {value} is not between 0 and {LONGEST}")),
            None => Ok(()),
        }
    }
}

fn unique(part: &str, steps: &[Step]) -> Result<(), String> {
    let mut names = BTreeSet::new();
    match steps.iter().find(|step| !names.insert(&step.name)) {
        Some(twice) => Err(format!("{part}: two steps are called `{}`", twice.name)),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::super::super::Definition;

    /// A definition that is shipped, one part of it changed.
    fn changed(part: &str, key: Option<&str>, value: &Value) -> Result<(), String> {
        let shipped = include_str!("../../../providers/hetzner.json");
        let mut definition: Value = serde_json::from_str(shipped).unwrap();
        match key {
            None => definition[part] = value.clone(),
            Some(key) => definition[part][key] = value.clone(),
        }
        Definition::parse(definition.to_string().as_bytes()).map(drop)
    }

    fn step(flags: &Value) -> Value {
        let mut step = json!({ "name": "one", "request": { "method": "GET", "path": "/one" } });
        step.as_object_mut().unwrap().extend(flags.as_object().unwrap().clone());
        step
    }

    #[test]
    fn a_flag_where_it_means_nothing_is_refused() {
        for (part, key, flag, meant) in [
            ("create", None, "clears_up", "cancel"),
            ("create", None, "optional", "poll"),
            ("poll", Some("steps"), "buys", "create"),
            ("poll", Some("steps"), "clears_up", "cancel"),
            ("cancel", None, "buys", "create"),
            ("cancel", None, "optional", "poll"),
            ("recover", None, "buys", "create"),
        ] {
            let why = changed(part, key, &json!([step(&json!({ flag: true }))])).unwrap_err();
            assert_eq!(why, format!("{part}: step `one` has `{flag}`, which is for `{meant}`"));
        }
    }

    #[test]
    fn steps_that_an_order_may_have_come_to_have_names_of_their_own() {
        let buys = json!({ "buys": true, "save": { "server_id": "{{ reply.id }}" } });
        for (part, steps) in [
            ("create", json!([step(&buys), step(&json!({}))])),
            ("cancel", json!([step(&json!({})), step(&json!({}))])),
        ] {
            let why = changed(part, None, &steps).unwrap_err();
            assert_eq!(why, format!("{part}: two steps are called `one`"));
        }
    }

    #[test]
    fn one_step_buys_and_nothing_before_it_does_more_than_look() {
        let save = json!({ "server_id": "{{ reply.id }}" });
        let named =
            |name: &str| json!({ "name": name, "request": { "method": "POST", "path": "/" } });
        for (steps, named) in [
            (json!([step(&json!({}))]), "0 steps have `buys`"),
            (
                json!([step(&json!({ "buys": true })), step(&json!({ "buys": true }))]),
                "2 steps have `buys`",
            ),
            (
                json!([named("first"), step(&json!({ "buys": true, "save": save }))]),
                "step `first` is before the one that buys",
            ),
            (json!([step(&json!({ "buys": true }))]), "does not save `server_id`"),
            (
                json!([step(&json!({ "buys": true, "save": save, "wait_until": "{{ true }}" }))]),
                "step `one` buys, so it cannot be repeated",
            ),
        ] {
            let why = changed("create", None, &steps).unwrap_err();
            assert!(why.contains(named), "{why}");
        }
    }

    #[test]
    fn times_are_a_day_at_most() {
        for (part, key) in [("find", "settle_seconds"), ("poll", "grace_seconds")] {
            for (seconds, fits) in [(0.0, true), (86_400.0, true), (86_401.0, false), (-1.0, false)]
            {
                let parsed = changed(part, Some(key), &json!(seconds));
                assert_eq!(parsed.is_ok(), fits, "{part}.{key}: {seconds}");
            }
        }
    }
}
