//! Which sandbox a process lives in, from what the system outside says of it (ipc.md 2.8).
//!
//! The kernel says that a process has namespaces of its own. Whose they are is in the name of its control group, and
//! for snaps in its security label: whoever starts a sandbox sets both from outside, and nobody inside can change them.
//! `/.flatpak-info` is never read: whoever has a mount namespace can put any file there, even one in a file system of
//! its own that never answers. What an ordinary program of this user pretends is another matter: it needs no sandbox to
//! do harm (REQ-C6).

use keybearer_protocol::sandbox::{Sandbox, SandboxKind};

/// The sandbox that a control group and a security label tell of, as `/proc/PID/cgroup` and `attr/current` have them.
pub(super) fn recognise(cgroup: &str, label: &str) -> Option<Sandbox> {
    let label = label.split([' ', '\0', '\n']).next().unwrap_or_default();
    if let Some(app) = label.strip_prefix("snap.").and_then(snap) {
        return Some(Sandbox::new(SandboxKind::Snap, app));
    }
    // A line is `hierarchy:controllers:path`; the path begins outside, and what is deeper may be the sandbox's own doing.
    cgroup.lines().find_map(|line| {
        let path = line.splitn(3, ':').nth(2)?;
        let parts: Vec<&str> = path.split('/').collect();
        (0..parts.len()).find_map(|place| group(place.checked_sub(1).map(|before| parts[before]), parts[place]))
    })
}

/// The sandbox that one part of a control group's path names.
fn group(before: Option<&str>, part: &str) -> Option<Sandbox> {
    let container = |runs: &str, id: &str| Some(Sandbox::new(SandboxKind::Container, format!("{runs}:{id}")));
    let unit = part.strip_suffix(".scope").or_else(|| part.strip_suffix(".service")).unwrap_or(part);
    if let Some((app, pid)) = unit.strip_prefix("app-flatpak-").and_then(|rest| rest.rsplit_once('-'))
        && part.ends_with(".scope")
        && is_number(pid)
    {
        let app = unescaped(app);
        return is_name(&app).then(|| Sandbox::new(SandboxKind::Flatpak, app));
    }
    if let Some(app) = unit.strip_prefix("snap.").and_then(snap) {
        return Some(Sandbox::new(SandboxKind::Snap, app));
    }
    for (prefix, runs) in
        [("docker-", "docker"), ("libpod-", "podman"), ("cri-containerd-", "containerd"), ("crio-", "cri-o")]
    {
        if let Some(id) = unit.strip_prefix(prefix).and_then(short) {
            return container(runs, id);
        }
    }
    if let Some(name) = part.strip_prefix("lxc.payload.").filter(|name| is_name(name)) {
        return container("lxc", name);
    }
    let machine = unit.strip_prefix("machine-").or_else(|| unit.strip_prefix("systemd-nspawn@")).map(unescaped);
    if let Some(name) = machine.filter(|name| part != unit && is_name(name)) {
        return container("nspawn", &name);
    }
    match before? {
        "docker" => container("docker", short(part)?),
        "lxc" if is_name(part) => container("lxc", part),
        pod if pod.starts_with("pod") => container("kubernetes", short(part)?),
        _ => None,
    }
}

/// Snap and app of `NAME.APP`, behind which systemd's units carry a random id. A hook (`NAME.hook.WHICH`) is no app.
fn snap(text: &str) -> Option<String> {
    let (name, rest) = text.split_once('.')?;
    let app = uuid_cut(rest);
    (is_name(name) && is_name(app) && !app.contains('.')).then(|| format!("{name}.{app}"))
}

/// Without the id of 36 characters that may follow behind a dash or a dot.
fn uuid_cut(text: &str) -> &str {
    let Some(cut) = text.len().checked_sub(37) else { return text };
    match (text.get(..cut), text.get(cut..cut + 1), text.get(cut + 1..)) {
        (Some(app), Some("-" | "."), Some(id)) if id.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-') => app,
        _ => text,
    }
}

/// The first twelve digits of a container's id of 64, as its tools print it.
fn short(id: &str) -> Option<&str> {
    let is_id = id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
    id.get(..12).filter(|_| is_id)
}

fn is_number(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

/// Whether it is short, and made of what names of apps and containers are made of.
fn is_name(text: &str) -> bool {
    (1..=128).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"._-+".contains(&b))
}

/// A name of systemd's with its `\x2d` taken back.
fn unescaped(text: &str) -> String {
    text.replace("\\x2d", "-")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "0f3a9c2be1d84756a9b0c1d2e3f405162738495a6b7c8d9e0f1a2b3c4d5e6f70";

    fn seen(cgroup: &str, label: &str) -> String {
        recognise(&cgroup.replace("$ID", ID), label).map(|sandbox| sandbox.to_string()).unwrap_or_default()
    }

    #[test]
    fn sandboxes_are_known_by_control_group_and_label() {
        let user = "/user.slice/user-1000.slice/user@1000.service";
        for (cgroup, label, expected) in [
            // Flatpak's scope, also for an app with a dash in its name.
            (
                format!("0::{user}/app.slice/app-flatpak-org.gnome.Maps-4711.scope\n"),
                "unconfined\n",
                "flatpak:org.gnome.Maps",
            ),
            (format!("0::{user}/app.slice/app-flatpak-io.x.Two\\x2dWords-9.scope"), "", "flatpak:io.x.Two-Words"),
            // A snap by its label; by its scope, old and new, where the kernel has no AppArmor.
            ("0::/".to_owned(), "snap.firefox.geckodriver (enforce)\n", "snap:firefox.geckodriver"),
            (
                format!("0::{user}/app.slice/snap.chromium.chromium-5e7c9a52-1c1b-4a39-9d4f-8c1de2a41f60.scope"),
                "",
                "snap:chromium.chromium",
            ),
            (format!("0::{user}/snap.lxd.lxc.0d6c2f52-26a0-4f41-b3a1-3a7f1d2f9f11.scope"), "", "snap:lxd.lxc"),
            // Containers, of both versions of control groups.
            (
                "0::/system.slice/docker-$ID.scope".to_owned(),
                "docker-default (enforce)",
                "container:docker:0f3a9c2be1d8",
            ),
            ("12:pids:/docker/$ID\n0::/\n".to_owned(), "", "container:docker:0f3a9c2be1d8"),
            (format!("0::{user}/user.slice/libpod-$ID.scope/container"), "", "container:podman:0f3a9c2be1d8"),
            (
                "0::/kubepods.slice/kubepods-burstable.slice/kubepods-burstable-pod1.slice/cri-containerd-$ID.scope"
                    .to_owned(),
                "cri-containerd.apparmor.d (enforce)",
                "container:containerd:0f3a9c2be1d8",
            ),
            ("11:cpu:/kubepods/besteffort/pod8a7b/$ID".to_owned(), "", "container:kubernetes:0f3a9c2be1d8"),
            ("0::/lxc.payload.web/init.scope".to_owned(), "", "container:lxc:web"),
            ("9:name=systemd:/lxc/web/init.scope".to_owned(), "", "container:lxc:web"),
            ("0::/machine.slice/machine-deb\\x2d12.scope/payload".to_owned(), "", "container:nspawn:deb-12"),
            ("0::/machine.slice/systemd-nspawn@deb.service/payload".to_owned(), "", "container:nspawn:deb"),
        ] {
            assert_eq!(seen(&cgroup, label), expected, "{cgroup} {label}");
        }
    }

    #[test]
    fn a_sandbox_cannot_name_itself_by_what_it_makes_inside() {
        // What is deeper in the path is made by whoever lives there.
        let inside = "0::/system.slice/docker-$ID.scope/app.slice/app-flatpak-org.gnome.Maps-1.scope";
        assert_eq!(seen(inside, ""), "container:docker:0f3a9c2be1d8");
        for (cgroup, label) in [
            ("0::/user.slice/user-1000.slice/session-2.scope", "unconfined"),
            ("0::/app-flatpak-org.gnome.Maps-x.scope", ""),
            ("0::/app-flatpak-org.gnome.Maps-1", ""),
            ("0::/app-flatpak-a b-1.scope", ""),
            ("0::/docker-$ID0.scope", "snapshot"),
            ("0::/docker/short", "snap.x.hook.install (enforce)"),
            ("0::/libpod-conmon-$ID.scope", ""),
            ("", "not.snap.firefox.firefox"),
        ] {
            assert_eq!(seen(cgroup, label), "", "{cgroup} {label}");
        }
    }
}
