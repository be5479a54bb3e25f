//! What the expressions of a definition can read of an order and its account.

use serde_json::{Value, json};

use super::Hoster;
use crate::expression::Scope;
use crate::order::{Access, Order};
use crate::secret::Secret;
use crate::user_data;

/// Returns what expressions can read of an order.
///
/// # Errors
/// A sentence that says what is wrong with the configuration's own user-data.
pub(crate) fn scope_of(hoster: &Hoster, order: &Order) -> Result<Scope, String> {
    let hostname = order.hostname.as_deref().unwrap_or_default();
    let password = order.password.as_ref().map(Secret::expose);
    let key = order.public_key.as_deref().filter(|_| order.access == Access::Key);
    let own = order.configuration.user_data.as_ref().map(Secret::expose);
    let user_data = match (key, password) {
        (Some(key), _) => Some(user_data::compose(user_data::Access::Key(key), hostname, own)?),
        (None, Some(password)) => {
            Some(user_data::compose(user_data::Access::Password(password), hostname, own)?)
        }
        // The hoster chooses the password.
        (None, None) => own.map(str::to_owned),
    };
    let mut scope = Scope::new();
    scope.set("credentials", &hoster.credentials);
    scope.set("parameters", hoster.parameters(&order.configuration.parameters));
    scope.set(
        "configuration",
        json!({ "id": order.configuration.id, "descr": order.configuration.descr }),
    );
    scope.set(
        "order",
        json!({
            "task_id": order.task_id,
            "key": order.key,
            "hostname": hostname,
            "password": password,
            "public_key": key,
            "user_data": user_data,
        }),
    );
    let saved = order.purchase.as_ref().map(|purchase| &purchase.saved);
    scope.set("saved", saved.map_or_else(|| json!({}), |saved| json!(saved)));
    if let Some(id) = &order.server_id {
        scope.set("server_id", id);
    }
    Ok(scope)
}

impl Hoster {
    /// Returns what expressions can read where no order is at hand: the parameters are those of
    /// the first configuration.
    pub(crate) fn scope(&self) -> Scope {
        self.account_scope().with("parameters", self.parameters(&self.usual))
    }

    /// Returns what expressions can read of the account alone.
    pub(super) fn account_scope(&self) -> Scope {
        Scope::new().with("credentials", &self.credentials).with("saved", json!({}))
    }

    /// Returns every parameter that the definition has, with its default or none; those given where it
    /// declares none and takes any.
    fn parameters(
        &self,
        given: &std::collections::BTreeMap<String, Value>,
    ) -> serde_json::Map<String, Value> {
        if self.definition.program.as_ref().is_some_and(|program| program.any_parameters) {
            return given.clone().into_iter().collect();
        }
        let declared = self.definition.parameters.iter();
        declared
            .map(|(name, parameter)| {
                let value = given.get(name).or(parameter.default.as_ref());
                (name.clone(), value.cloned().unwrap_or(Value::Null))
            })
            .collect()
    }
}
