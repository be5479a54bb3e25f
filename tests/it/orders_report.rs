//! `orders report`: a page that needs nothing but itself, whatever hosters and receivers say.

use std::os::unix::fs::PermissionsExt;
use std::process::Command;

use roxmltree::{Document, Node, ParsingOptions};
use serde_json::json;

use crate::support::hooks::told_at_the_second_attempt;
use crate::support::hoster::Hoster;
use crate::support::hoster::mode::Mode;
use crate::support::hoster::provider::config;
use crate::support::hoster::response::Response;
use crate::support::mount::has;
use crate::support::plugin::{CANARY, Plugin};
use crate::support::service::Service;
use crate::support::skip;

/// What a hoster might say to whoever puts it on a page.
const HOSTILE: &str = "<script>document.title='x'</script><img src=x onerror=alert(1)> \
     \"'&amp;</bdi></td><style>*{background:url(http://x.example)}</style> \u{202e}txt.exe Ошибка";

/// Returns the page, which must be well-formed and hold no password.
#[track_caller]
fn page(plugin: &Plugin, more: &[&str]) -> String {
    let page =
        plugin.run(&[&["orders", "report", "--html", "-"], more].concat()).prints().to_owned();
    assert_alone(&page);
    page
}

fn parsed(page: &str) -> Document<'_> {
    let options = ParsingOptions { allow_dtd: true, ..ParsingOptions::default() };
    Document::parse_with_options(page, options).unwrap_or_else(|error| panic!("{error}: {page}"))
}

/// Expects that a page loads nothing, leads nowhere and runs nothing.
#[track_caller]
fn assert_alone(page: &str) {
    assert!(!page.contains(CANARY), "a password got out");
    let document = parsed(page);
    for node in document.descendants().filter(Node::is_element) {
        let name = node.tag_name().name();
        let loads =
            ["script", "link", "img", "iframe", "object", "embed", "base", "form", "a", "use"];
        assert!(!loads.contains(&name), "there is a <{name}>");
        for attribute in node.attributes() {
            let (name, value) = (attribute.name(), attribute.value());
            let obeyed =
                name.starts_with("on") || ["src", "href", "style", "action"].contains(&name);
            assert!(!obeyed, "there is {name}={value}");
            for needed in ["http:", "https:", "url(", "javascript:", "data:"] {
                assert!(!value.contains(needed), "{name}={value}");
            }
        }
        if name == "style" {
            let sheet = node.text().unwrap();
            for needed in ["http:", "https:", "url(", "@import", "@font-face", "expression"] {
                assert!(!sheet.contains(needed), "{needed}: {sheet}");
            }
        }
    }
    let policies = document.descendants().filter(|node| {
        node.attribute("http-equiv") == Some("Content-Security-Policy")
            && node
                .attribute("content")
                .unwrap()
                .starts_with("default-src 'none'; style-src 'sha256-")
    });
    assert_eq!(policies.count(), 1);
}

/// Returns the text of the elements of that name.
fn texts(page: &str, name: &str) -> Vec<String> {
    let document = parsed(page);
    let all = document.descendants().filter(|node| node.tag_name().name() == name);
    let text = |node: Node| {
        node.descendants().filter(Node::is_text).filter_map(|node| node.text()).collect::<String>()
    };
    all.map(text).collect()
}

/// Returns a provider whose hoster refuses orders in those words.
fn refused(reason: &'static str) -> (Service, Plugin) {
    let hoster = Service::start(move |seen| {
        Some(if seen.method == "POST" {
            Response::error(422, "no", reason)
        } else {
            Response::json(200, &json!({ "servers": [], "meta": { "next_page": null } }))
        })
    });
    let shop = Hoster::start(Mode::plain());
    let plugin = Plugin::with_hoster(&shop, "fake-plain");
    let mut config = config(&shop, "fake-plain");
    config["base_url"] = json!(hoster.url());
    plugin.write_private("demo.conf", &config.to_string());
    (hoster, plugin)
}

#[test]
fn a_page_has_the_times_failures_deliveries_and_stories_of_orders() {
    let (plugin, _) = told_at_the_second_attempt();
    let page = page(&plugin, &[]);
    let titles = [
        "Time to ready, by configuration",
        "Failures, by reason",
        "Deliveries, by webhook",
        "Orders, newest first",
    ];
    assert_eq!(texts(&page, "h2"), titles);
    let rows = texts(&page, "tr");
    assert!(rows.iter().any(|row| row.starts_with("billing1002")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.ends_with("building")), "{rows:#?}");
    assert!(rows.iter().any(|row| row.contains("billing: order.finished: 503")), "{rows:#?}");
    assert_eq!(texts(&page, "figcaption"), ["How long orders of 1 took to finish"]);
    assert!(texts(&page, "summary")[0].starts_with("Order 1finished1"), "{page}");
}

#[test]
fn a_page_is_narrowed_as_a_list_is_and_tells_of_nothing_where_there_is_nothing() {
    let plugin = Plugin::with_servers(3);
    assert!(texts(&page(&plugin, &[]), "details").is_empty());
    for _ in 0..3 {
        plugin.sold();
    }
    plugin.settled();
    plugin.edit("done/1.json", |order| order["created_at"] = "2026-01-02T03:04:05Z".into());
    let shown = |more: &[&str]| texts(&page(&plugin, more), "details").len();
    assert_eq!(shown(&[]), 3);
    assert_eq!(shown(&["--since", "1d"]), 2);
    assert_eq!(shown(&["--since", "2026-01-02", "--configuration", "1"]), 3);
    assert_eq!(shown(&["--configuration", "another"]), 0);
    std::fs::write(plugin.state("done/2.json"), "{").unwrap();
    let page = page(&plugin, &[]);
    assert!(page.contains("files that cannot be read"), "one damaged file hides no other");
    assert_eq!(texts(&page, "details").len(), 2);
}

#[test]
fn what_others_say_is_text_and_nothing_else() {
    let (_hoster, plugin) = refused(HOSTILE);
    let id = plugin.order();
    let reason = plugin.failed(&id);
    assert!(reason.contains("<script>"), "{reason}");
    plugin.write_task(&id, "error: <b>not</b> \u{1b}[31mjoined");
    let page = page(&plugin, &[]);
    let told = texts(&page, "bdi");
    assert!(
        told.iter().any(|text| text.contains("<script>document.title='x'</script>")),
        "{told:#?}"
    );
    assert!(told.iter().any(|text| text.contains("\u{202e}txt.exe Ошибка")), "{told:#?}");
    assert!(told.iter().any(|text| text.contains(r"<b>not</b> \u{1b}[31mjoined")), "{told:#?}");
    assert!(
        !page.contains("<script") && !page.contains("<img") && !page.contains("<b>not"),
        "{page}"
    );
}

#[test]
fn a_page_is_put_in_its_place_whole_and_for_its_owner_alone() {
    let plugin = Plugin::with_servers(1);
    plugin.sold();
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report.html");
    std::fs::write(&target, "the old one").unwrap();
    let file = target.display().to_string();
    assert_eq!(plugin.run(&["orders", "report", "--html", &file]).prints(), "");
    assert_alone(&std::fs::read_to_string(&target).unwrap());
    let mode = std::fs::metadata(&target).unwrap().permissions().mode() & 0o7777;
    assert_eq!(format!("{mode:o}"), "600");
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 1, "nothing else is left there");
    for unusable in ["/dev/null", "/", &folder.path().display().to_string()] {
        let answer = plugin.run(&["orders", "report", "--html", unusable]);
        assert!(answer.complains(2).contains(unusable), "{answer:?}");
    }
    let missing = folder.path().join("no/report.html").display().to_string();
    let answer = plugin.run(&["orders", "report", "--html", &missing]);
    assert!(answer.complains(2).contains(&missing), "{answer:?}");
}

#[test]
fn a_browser_shows_the_page_and_runs_nothing_of_it() {
    let Some(browser) =
        ["chromium", "chromium-browser", "google-chrome"].into_iter().find(|name| has(name))
    else {
        return skip("there is no Chromium");
    };
    let (_hoster, plugin) = refused(HOSTILE);
    plugin.failed(&plugin.order());
    let folder = tempfile::tempdir().unwrap();
    let target = folder.path().join("report.html");
    plugin.run(&["orders", "report", "--html", &target.display().to_string()]).prints();
    let profile = folder.path().join("profile");
    let output = Command::new("timeout")
        .args(["60", browser, "--headless", "--no-sandbox", "--disable-gpu", "--dump-dom"])
        .args(["--enable-logging=stderr", "--v=0", "--disable-dev-shm-usage"])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(format!("file://{}", target.display()))
        .output()
        .unwrap();
    let (shown, said) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{said}");
    assert!(shown.contains("<title>Orders of demo</title>"), "{shown}");
    assert!(shown.contains("&lt;script&gt;document.title"), "{shown}");
    // The style sheet is the one that the policy lets through, and nothing else was tried.
    for complaint in ["Content Security Policy", "Refused to", "CONSOLE"] {
        assert!(!said.contains(complaint), "{said}");
    }
}
