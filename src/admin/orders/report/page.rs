//! The page: head, and one section after the other.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use sha2::{Digest as _, Sha256};

use super::html::Html;
use super::{Told, sections, stories};
use crate::clock::Timestamp;

/// How the page looks, in light and dark, on paper and on a telephone.
const STYLE: &str = include_str!("style.css");

/// Writes the page.
pub(super) fn write(told: &Told) -> String {
    let mut page = Html::default();
    page.open("html", &[("lang", "en")]);
    head(&mut page, told);
    page.open("body", &[]);
    top(&mut page, told);
    page.open("main", &[]);
    sections::numbers(&mut page, told);
    sections::ready(&mut page, told);
    sections::failures(&mut page, told);
    sections::deliveries(&mut page, told);
    stories::tell(&mut page, told);
    page.close("main");
    page.close("body");
    page.close("html");
    page.document()
}

fn head(page: &mut Html, told: &Told) {
    page.open("head", &[]);
    page.empty("meta", &[("charset", "utf-8")]);
    // Whatever gets onto the page: nothing is loaded, nothing runs, and only this style sheet counts.
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    let policy = format!(
        "default-src 'none'; style-src 'sha256-{hash}'; base-uri 'none'; form-action 'none'"
    );
    page.empty("meta", &[("http-equiv", "Content-Security-Policy"), ("content", &policy)]);
    page.empty("meta", &[("name", "viewport"), ("content", "width=device-width, initial-scale=1")]);
    page.empty("meta", &[("name", "color-scheme"), ("content", "light dark")]);
    page.empty("meta", &[("name", "referrer"), ("content", "no-referrer")]);
    page.empty("meta", &[("name", "robots"), ("content", "noindex")]);
    page.element("title", &[], &format!("Orders of {}", told.provider));
    page.style(STYLE);
    page.close("head");
    page.line();
}

fn top(page: &mut Html, told: &Told) {
    page.open("header", &[]);
    page.element("h1", &[], &format!("Orders of {}", told.provider));
    page.open("p", &[]);
    page.text(&format!("Made {}", moment(told.now)));
    if let Some(since) = told.which.since {
        page.text(&format!(" · placed since {}", moment(since)));
    }
    if let Some(id) = &told.which.configuration {
        page.text(" · configuration ");
        page.foreign(id);
    }
    page.close("p");
    page.close("header");
    page.line();
}

/// Returns a time as people read it, to the second.
pub(super) fn moment(at: Timestamp) -> String {
    at.strftime("%F %T UTC").to_string()
}
