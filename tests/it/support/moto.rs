//! moto, which answers as Amazon EC2 does and looks at signatures; and boto3, which asks it.
//!
//! <https://docs.getmoto.org/en/latest/docs/iam.html> says how it comes to look at them. It cannot
//! where a GET has a query, nor where a form has a space, for it looks at a form that it has written
//! anew. It ignores client tokens.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;

use serde_json::{Value, json};

use super::hoster::request::Seen;
use super::plugin::Plugin;
use super::pypi::python_with;
use super::service::Service;
use super::skip;

/// The package and its version on `PyPI`; boto3 comes with it.
const PACKAGE: &str = "moto[server,ec2]==5.2.5";

/// The region of the tests.
const REGION: &str = "us-east-1";

/// How many requests it takes from anybody: those of [`SET_UP`].
const FREE: &str = "4";

/// Makes a user who may do everything of EC2; tells its key and an image.
const SET_UP: &str = "
import boto3, json, sys
def client(service):
    return boto3.client(service, endpoint_url=sys.argv[1], region_name=sys.argv[2],
        aws_access_key_id='nobody', aws_secret_access_key='nobody')
iam = client('iam')
iam.create_user(UserName='webdir')
key = iam.create_access_key(UserName='webdir')['AccessKey']
allowed = {'Version': '2012-10-17',
    'Statement': [{'Effect': 'Allow', 'Action': 'ec2:*', 'Resource': '*'}]}
iam.put_user_policy(UserName='webdir', PolicyName='ec2', PolicyDocument=json.dumps(allowed))
image = client('ec2').describe_images(Owners=['amazon'])['Images'][0]['ImageId']
print(json.dumps({'access_key': key['AccessKeyId'], 'secret_key': key['SecretAccessKey'],
    'image': image}))
";

/// Tells all instances that have a tag of a value.
const LOOK: &str = "
import base64, boto3, json, sys
ec2 = boto3.client('ec2', endpoint_url=sys.argv[1], region_name=sys.argv[2],
    aws_access_key_id=sys.argv[3], aws_secret_access_key=sys.argv[4])
found = []
for reservation in ec2.describe_instances()['Reservations']:
    for instance in reservation['Instances']:
        tags = {tag['Key']: tag['Value'] for tag in instance.get('Tags', [])}
        if tags.get('webdir-order') != sys.argv[5]:
            continue
        told = ec2.describe_instance_attribute(InstanceId=instance['InstanceId'],
            Attribute='userData')['UserData'].get('Value', '')
        volumes = [device['Ebs'] for device in instance.get('BlockDeviceMappings', [])]
        found.append({
            'id': instance['InstanceId'], 'state': instance['State']['Name'],
            'address': instance.get('PublicIpAddress'), 'private': instance.get('PrivateIpAddress'),
            'type': instance['InstanceType'], 'image': instance['ImageId'], 'tags': tags,
            'user_data': base64.b64decode(told).decode(),
            'volumes': [volume['DeleteOnTermination'] for volume in volumes]})
print(json.dumps(found))
";

/// A running moto; it is ended when this is dropped.
pub(crate) struct Moto {
    child: Child,
    python: PathBuf,
    port: u16,
    /// The key of a user who may do everything of EC2, and an image.
    access_key: String,
    secret_key: String,
    image: String,
}

impl Moto {
    /// Returns the one that runs, or starts one; none, with a line that says why, where it cannot be
    /// had. The tests share it, for each begins with seconds of work.
    pub(crate) fn start() -> Option<Arc<Self>> {
        static RUNNING: Mutex<Weak<Moto>> = Mutex::new(Weak::new());
        let mut running = RUNNING.lock().expect("nobody panicked");
        if let Some(moto) = running.upgrade() {
            return Some(moto);
        }
        match python_with("moto", &[PACKAGE]) {
            Ok(python) => {
                let moto = Arc::new(Self::run(python));
                *running = Arc::downgrade(&moto);
                Some(moto)
            }
            Err(why) => {
                skip(&format!("there is no moto: {why}"));
                None
            }
        }
    }

    fn run(python: PathBuf) -> Self {
        // Its script names the folder that it was installed into, and not the one it is in.
        let mut child = Command::new(&python)
            .args(["-m", "moto.server", "-H", "127.0.0.1", "-p", "0"])
            .env("INITIAL_NO_AUTH_ACTION_COUNT", FREE)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("moto can be run");
        let mut lines = BufReader::new(child.stderr.take().expect("it is piped")).lines();
        let port = lines.by_ref().map_while(Result::ok).find_map(|line| {
            line.rsplit_once("Running on http://127.0.0.1:")?.1.trim().parse().ok()
        });
        // It goes on writing; nobody must keep it waiting.
        std::thread::spawn(move || lines.map_while(Result::ok).for_each(drop));
        let mut moto = Self {
            child,
            python,
            port: port.expect("moto says where it listens"),
            access_key: String::new(),
            secret_key: String::new(),
            image: String::new(),
        };
        let made = moto.boto3(SET_UP, &[]);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        (moto.access_key, moto.secret_key, moto.image) =
            (text("access_key"), text("secret_key"), text("image"));
        moto
    }

    fn boto3(&self, script: &str, more: &[&str]) -> Value {
        let mut command = Command::new(&self.python);
        command.args(["-c", script, &self.url(), REGION]).args(more).stdin(Stdio::null());
        let output = command.output().expect("Python runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        serde_json::from_slice(&output.stdout).expect("it prints JSON")
    }

    /// Returns its URL.
    pub(crate) fn url(&self) -> String {
        format!("http://127.0.0.1:{}", self.port)
    }

    /// Returns the image that is sold.
    pub(crate) fn image(&self) -> &str {
        &self.image
    }

    /// Returns the secret of the user, which nothing may show.
    pub(crate) fn secret(&self) -> &str {
        &self.secret_key
    }

    /// Returns what boto3 tells of the instances of an order, terminated ones too.
    pub(crate) fn instances(&self, key: &str) -> Vec<Value> {
        let told = self.boto3(LOOK, &[&self.access_key, &self.secret_key, key]);
        told.as_array().expect("a list").clone()
    }

    /// Returns a provider that sells a small server, and asks for it at this URL.
    pub(crate) fn provider(&self, url: &str) -> Plugin {
        let plugin = Plugin::installed();
        plugin.write_private("aws.key", &self.access_key);
        plugin.write_private("aws.secret", &self.secret_key);
        let parameters = json!({ "region": REGION, "ImageId": self.image,
            "InstanceType": "t3.small", "AssociatePublicIpAddress": true,
            "Tag": { "team": "web&mail" }, "Owner": ["amazon"], "ListedTypes": ["t3.*"] });
        let config = json!({
            "definition": "ec2", "base_url": url,
            "credentials": { "access_key": { "file": "aws.key" },
                "secret_key": { "file": "aws.secret" } },
            "configurations": [{ "id": "1", "descr": "one", "parameters": parameters }],
            "ready": null, "worker": { "poll_seconds": 0.1 },
        });
        plugin.write_private("demo.conf", &config.to_string());
        plugin
    }

    /// Starts something in front of it that hands requests on, and answers but where `loses` says so
    /// of a request that was answered.
    pub(crate) fn behind(&self, loses: impl Fn(&Seen) -> bool + Send + Sync + 'static) -> Service {
        let port = self.port;
        Service::serving(move |mut stream| {
            let mut reader = BufReader::new(stream);
            let Some(seen) = Seen::read(&mut reader)? else { return Ok(()) };
            let answer = ask(port, &seen)?;
            if loses(&seen) {
                return Ok(());
            }
            stream.write_all(&answer)
        })
    }
}

impl Drop for Moto {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Hands a request on as it came, but for the connection; returns the answer.
fn ask(port: u16, seen: &Seen) -> std::io::Result<Vec<u8>> {
    let mut text = format!("{} {} HTTP/1.1\r\n", seen.method, seen.path);
    for (name, value) in seen.headers.iter().filter(|(name, _)| *name != "connection") {
        text.extend([name, ": ", value, "\r\n"]);
    }
    text.push_str("connection: close\r\n\r\n");
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port))?;
    stream.set_read_timeout(Some(Duration::from_secs(30)))?;
    stream.write_all(&[text.as_bytes(), &seen.body].concat())?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer)?;
    Ok(answer)
}
