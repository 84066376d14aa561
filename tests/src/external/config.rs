//! What each server is told.

use std::io;
use std::path::Path;
use std::process::Command;

use super::Kind;

pub(super) const NGINX_DAV_MODULE: &str = "/usr/lib/nginx/modules/ngx_http_dav_ext_module.so";
pub(super) const APACHE_MODULES: &str = "/usr/lib/apache2/modules";
pub(super) const LIGHTTPD_DAV_MODULE: &str = "/usr/lib/lighttpd/mod_webdav.so";

/// Writes the configuration into `dir` and names the command. The files to serve are in `dir/www`.
pub(super) fn command(kind: Kind, program: &Path, dir: &Path, port: u16) -> io::Result<Command> {
    let mut command = Command::new(program);
    command.current_dir(dir);
    let write = |name: &str, text: String| -> io::Result<std::path::PathBuf> {
        let file = dir.join(name);
        std::fs::write(&file, text)?;
        Ok(file)
    };
    let path = dir.display().to_string();
    match kind {
        Kind::Nginx
        | Kind::NginxJson
        | Kind::NginxNoIndex
        | Kind::NginxGzip
        | Kind::NginxDav
        | Kind::NginxTls
        | Kind::NginxProxy => {
            let file = write("nginx.conf", nginx(kind, &path, port))?;
            // -e: before it has read its configuration it would log to a folder of the system's.
            command
                .arg("-e")
                .arg(dir.join("error.log"))
                .arg("-p")
                .arg(dir)
                .arg("-c")
                .arg(file);
        }
        Kind::Apache | Kind::ApachePlain | Kind::ApacheTable | Kind::ApacheDav => {
            let lock = dir.join("lock");
            std::fs::create_dir(&lock)?;
            std::fs::set_permissions(&lock, std::os::unix::fs::PermissionsExt::from_mode(0o777))?;
            let file = write("httpd.conf", apache(kind, &path, port))?;
            command.arg("-d").arg(dir).arg("-f").arg(file).arg("-DFOREGROUND");
        }
        Kind::Caddy => {
            let file = write("Caddyfile", caddy(&path, port))?;
            command
                .args(["run", "--adapter", "caddyfile", "--config"])
                .arg(file);
            command
                .env("HOME", dir)
                .env("XDG_CONFIG_HOME", dir)
                .env("XDG_DATA_HOME", dir);
        }
        Kind::Lighttpd | Kind::LighttpdDav => {
            let file = write("lighttpd.conf", lighttpd(kind, &path, port))?;
            command.arg("-D").arg("-f").arg(file);
        }
        Kind::Rclone | Kind::RcloneDav => {
            let protocol = if kind == Kind::Rclone { "http" } else { "webdav" };
            command
                .arg("--config")
                .arg(dir.join("none"))
                .args(["serve", protocol])
                .arg(dir.join("www"));
            // Files that are changed behind its back are seen at once.
            command
                .args(["--dir-cache-time", "0", "--addr"])
                .arg(format!("127.0.0.1:{port}"));
        }
        Kind::Python => {
            command
                .args(["-m", "http.server", "--bind", "127.0.0.1", "--directory"])
                .arg(dir.join("www"));
            command.arg(port.to_string());
        }
    }
    Ok(command)
}

fn nginx(kind: Kind, dir: &str, port: u16) -> String {
    let load = if kind == Kind::NginxDav {
        format!("load_module {NGINX_DAV_MODULE};")
    } else {
        String::new()
    };
    let location = match kind {
        Kind::NginxJson => "autoindex on; autoindex_format json;",
        Kind::NginxNoIndex => "",
        Kind::NginxGzip => "gzip_static always;",
        Kind::NginxDav => {
            "autoindex on; client_max_body_size 0; create_full_put_path on; dav_access user:rw group:rw all:rw; \
             dav_methods PUT DELETE MKCOL COPY MOVE; dav_ext_methods PROPFIND OPTIONS;"
        }
        Kind::NginxTls => "autoindex on; autoindex_exact_size off; autoindex_localtime on;",
        Kind::NginxProxy => "",
        _ => "autoindex on;",
    };
    let (front, behind) = match kind {
        Kind::NginxProxy => (
            format!("location /front/ {{ proxy_pass http://unix:{dir}/behind.sock:/; }}"),
            format!(
                "server {{ listen unix:{dir}/behind.sock; root {dir}/www; location / {{ autoindex on; }} }}"
            ),
        ),
        _ => (String::new(), String::new()),
    };
    let (listen, tls) = match kind {
        Kind::NginxTls => (
            " ssl http2",
            format!("ssl_certificate {dir}/cert.pem; ssl_certificate_key {dir}/key.pem;"),
        ),
        _ => ("", String::new()),
    };
    // One process only. Without root, `user` is a warning.
    format!(
        "{load}
master_process off; daemon off; pid {dir}/nginx.pid; error_log {dir}/error.log warn;
user root;
events {{ worker_connections 1024; }}
http {{
  access_log off; default_type application/octet-stream; keepalive_requests 100000;
  types {{ application/json json; text/html html; }}
  client_body_temp_path {dir}/body; proxy_temp_path {dir}/proxy; fastcgi_temp_path {dir}/fastcgi;
  uwsgi_temp_path {dir}/uwsgi; scgi_temp_path {dir}/scgi;
  server {{ listen 127.0.0.1:{port}{listen} backlog=4096; root {dir}/www; {tls} {front} location / {{ {location} }} }}
  {behind}
}}
"
    )
}

fn apache(kind: Kind, dir: &str, port: u16) -> String {
    let modules = [
        "mpm_event",
        "authz_core",
        "dir",
        "mime",
        "autoindex",
        "alias",
        "dav",
        "dav_fs",
    ];
    let modules: String = modules
        .iter()
        .map(|name| format!("LoadModule {name}_module {APACHE_MODULES}/mod_{name}.so\n"))
        .collect();
    let options = match kind {
        Kind::ApachePlain => "-FancyIndexing",
        Kind::ApacheTable => {
            "FancyIndexing HTMLTable XHTML SuppressRules IgnoreClient FoldersFirst NameWidth=* TrackModified
  AddIcon /icons/folder.gif ^^DIRECTORY^^
  AddIcon /icons/file.gif *
  AddDescription \"a <document>\" *.json"
        }
        _ => "+FancyIndexing",
    };
    // Under a path of its own, so that clients meet a base URL with a path.
    let dav = if kind == Kind::ApacheDav {
        format!("Alias /dav {dir}/www\n<Location /dav>\n  Dav On\n  DavDepthInfinity on\n</Location>\n")
    } else {
        String::new()
    };
    format!(
        "ServerRoot {dir}
PidFile {dir}/apache.pid
ServerName localhost
Listen 127.0.0.1:{port}
ListenBacklog 4096
{modules}User www-data
Group www-data
TypesConfig /etc/mime.types
ErrorLog {dir}/error.log
MaxKeepAliveRequests 0
DocumentRoot {dir}/www
DavLockDB {dir}/lock/DavLock
<Directory {dir}/www>
  Require all granted
  Options +Indexes
  IndexOptions {options}
</Directory>
{dav}"
    )
}

fn caddy(dir: &str, port: u16) -> String {
    format!(
        "{{
  admin off
  auto_https off
}}
http://127.0.0.1:{port} {{
  root * {dir}/www
  file_server browse
}}
"
    )
}

fn lighttpd(kind: Kind, dir: &str, port: u16) -> String {
    let (module, dav) = match kind {
        Kind::LighttpdDav => (
            "\"mod_webdav\", ",
            "webdav.activate = \"enable\"\nwebdav.is-readonly = \"disable\"\nwebdav.opts = (\"propfind-depth-infinity\" => \"enable\")\n",
        ),
        _ => ("", ""),
    };
    format!(
        "server.port = {port}
server.bind = \"127.0.0.1\"
server.document-root = \"{dir}/www\"
server.modules = ({module}\"mod_dirlisting\")
server.errorlog = \"{dir}/error.log\"
server.upload-dirs = (\"{dir}\")
server.listen-backlog = 4096
dir-listing.activate = \"enable\"
{dav}mimetype.assign = (\".json\" => \"application/json\", \"\" => \"application/octet-stream\")
"
    )
}
