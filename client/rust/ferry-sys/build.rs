//! Finds libferry by pkg-config. In a build tree: PKG_CONFIG_PATH=build/<preset>/client/src.
fn main() {
    if let Err(error) = pkg_config::Config::new().atleast_version("0.1").probe("ferry") {
        panic!(
            "libferry was not found by pkg-config. Install it, or set PKG_CONFIG_PATH to client/src in the folder it is \
             built in.\n{error}"
        );
    }
}
