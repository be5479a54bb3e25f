//! An order that is never sent: for recordings, previews, and questions that belong to no order.

use std::collections::BTreeMap;

use serde_json::Value;
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::order::{Access, Author, Equipment, NewOrder, Order, Ordered, TaskId};
use crate::secret::Secret;

/// Its key; its host name ends as this does.
const KEY: Uuid = Uuid::from_u128(0x0189_0a5d_ac96_774b_bcce_b302_099a_8057);

/// Its number.
const NUMBER: &str = "17";

/// Its root password.
pub(super) const PASSWORD: &str = "SamplePassword1234567890";

/// Returns whether a key is that of the sample.
pub(in crate::hoster) fn is_sample(key: Uuid) -> bool {
    key == KEY
}

/// Makes the sample, for a configuration with these parameters.
pub(super) fn order(descr: &str, parameters: BTreeMap<String, Value>) -> Order {
    let new = NewOrder {
        task_id: NUMBER.parse().unwrap_or(TaskId::NONE),
        key: KEY,
        caller_key: None,
        provider: "sample".to_owned(),
        definition: "sample".to_owned(),
        configuration: Ordered {
            id: "1".to_owned(),
            descr: descr.to_owned(),
            parameters,
            user_data: None,
        },
        author: Author { uid: 0, name: "root".to_owned(), sudo_user: None },
        account: BTreeMap::new(),
    };
    let mut order = Order::accept(new, Uuid::nil(), Timestamp::UNIX_EPOCH);
    order.equip(Equipment {
        access: Access::Password,
        password: Some(Secret::from(PASSWORD.to_owned())),
        public_key: None,
        user_data: None,
    });
    order
}
