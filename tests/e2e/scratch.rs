//! x
use crate::stage::Stage;
use keybearer_tests::practice::Practice;

#[test]
fn scratch_cold() {
    let (mut stage, practice) = (Stage::new().unwrap(), Practice::start(&[]).unwrap());
    stage.open().unwrap();
    stage.panel.menu_with("menu", |rows| rows.len() > 4).unwrap();
    eprintln!("{:?} {:?}", stage.panel.menu().unwrap(), stage.panel.icon().unwrap());
    let mut command = stage.world.command(&["rpc","--admin", r#"{"method":"status","params":{}}"#]); let _ = command.output();
    stage.world.add("practice", practice.mcp_url()).unwrap();
    let mut c = stage.program("keybearer"); 
    let mut c = stage.world.command(&["sign-in", "practice"]).spawn().unwrap();
    let address = stage.browser.wait_for(1).unwrap();
    let callback = stage.browser.consent(&address).unwrap();
    eprintln!("{callback}");
    c.kill().unwrap();
    c.wait().unwrap();
    eprintln!("pid {:?}", stage.window_pid());
    stage.kill_window().unwrap();
    stage.world.kill_agent().unwrap();
    let t = std::time::Instant::now();
    stage.follow(&callback).unwrap();
    eprintln!("followed {:?}", t.elapsed());
    let a = stage.connected("practice").unwrap();
    eprintln!("connected {:?} {a}", t.elapsed());
    let page = stage.attach().unwrap();
    eprintln!("attached {:?} {}", t.elapsed(), page.text().unwrap());
    eprintln!("{}", stage.desktop_said());
}
