//! What receivers understand.

use serde::{Deserialize, Serialize};

/// What a receiver understands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(schemars::JsonSchema))]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Kind {
    /// JSON, signed as Standard Webhooks are.
    Generic,
    /// Flat JSON and the headers of Apache `CloudStack`.
    Cloudstack,
    /// Parameters in the URL, as `SolusVM` 2 sends them.
    Solusvm2,
    /// A run of an Azure pipeline.
    AzurePipelines,
    /// A pipeline of `GitLab` CI/CD, by a trigger token.
    GitlabCi,
    /// A body of one's own.
    Template,
}

impl Kind {
    /// Every kind.
    pub(crate) const ALL: [Self; 6] = [
        Self::Generic,
        Self::Cloudstack,
        Self::Solusvm2,
        Self::AzurePipelines,
        Self::GitlabCi,
        Self::Template,
    ];

    /// Returns the kind's word.
    pub(crate) const fn word(self) -> &'static str {
        match self {
            Self::Generic => "generic",
            Self::Cloudstack => "cloudstack",
            Self::Solusvm2 => "solusvm2",
            Self::AzurePipelines => "azure-pipelines",
            Self::GitlabCi => "gitlab-ci",
            Self::Template => "template",
        }
    }
}
