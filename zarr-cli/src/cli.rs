//! The command line: verbs, options, help.

use std::path::PathBuf;
use std::time::Duration;

use clap::builder::FalseyValueParser;
use clap::{Args, Parser, Subcommand, ValueEnum};

/// Look into Zarr hierarchies (v2 and v3) on gs://, http(s):// and local disks.
///
/// A URL or path names any node: the root, a group or an array inside (gs://bucket/x.zarr/a/b).
/// Without a verb the node is shown.
#[derive(Debug, Parser)]
#[command(
    name = "zarr-cli",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(
    subcommand_value_name = "VERB",
    subcommand_help_heading = "Verbs",
    subcommand_required = true
)]
#[command(override_usage = "zarr-cli [OPTIONS] [VERB] URL")]
#[command(after_help = EXAMPLES, after_long_help = LONG_HELP)]
pub(crate) struct Cli {
    #[command(flatten)]
    pub(crate) global: Global,
    #[command(subcommand)]
    pub(crate) verb: Verb,
}

const EXAMPLES: &str = "\
Examples:
  zarr-cli --anon gs://bucket/air.zarr           what is in there
  zarr-cli ls -lR ./air.zarr                     every member, a line each
  zarr-cli ls --json https://host/air.zarr | jq -r .path";

const LONG_HELP: &str = "\
Examples:
  zarr-cli --anon gs://bucket/air.zarr           what is in there
  zarr-cli ls -lR ./air.zarr                     every member, a line each
  zarr-cli ls --json https://host/air.zarr | jq -r .path
  zarr-cli meta ./air.zarr/air -k /attributes/units
  zarr-cli stats ./air.zarr/air -i time=0        minimum, mean, maximum, spread
  zarr-cli check --deep gs://bucket/air.zarr     read every chunk, name the bad ones
  zarr-cli -H 'Authorization: Bearer …' tree https://host/private.zarr
  zarr-cli -o token=/path/key.json -o requester_pays=true du gs://bucket/x.zarr

Exit codes:
    0  ok                              7  unsupported, or the server cannot list
    1  findings (check)                8  network or timeout: a retry may help
    2  usage                           9  refused: exists, precondition
    3  not found                      10  internal or other
    4  permission or credentials     130  interrupted (Ctrl-C)
    5  corrupt or invalid            141  the reader of the output went away
    6  partial: some could be shown  143  terminated

Time limits, to be set by -o: 10 s to connect (connect_timeout), 30 s without a byte (timeout), 5 further attempts
(retries) within 60 s (retry_time). --timeout limits the whole command; it has no default.
Proxies are those of the environment: http_proxy, https_proxy, all_proxy, no_proxy, in either case; -o trust_env=false
ignores them. ~/.netrc is not read.

stdout is the answer, stderr is talk. With --json errors are JSON too: {code, kind, path, message, hint}.
Each global option can come from the environment: ZARR_CLI_TIMEOUT=30s, ZARR_CLI_STORAGE_OPTIONS=@opts.json.";

const CAT_EXAMPLES: &str = "\
Examples:
  zarr-cli cat ./air.zarr/air -i time=0,lat=:3
  zarr-cli cat ./air.zarr/air -i '0, ..., ::2' -F csv
  zarr-cli cat gs://bucket/air.zarr/air -F npy > air.npy

text is for people: what is empty, has spaces or quotes, or would move the cursor stands in quotes, where a backslash is
an escape. csv holds the values themselves, quoted as RFC 4180 has it. In both, bytes are text with \\xNN for what is no
printable ASCII and \\\\ for a backslash, and structs are JSON objects. json has bytes as base64, times as integers.";

const STATS_EXAMPLES: &str = "\
Examples:
  zarr-cli stats ./air.zarr/air
  zarr-cli stats ./air.zarr/air -i time=-1 --missing error
  zarr-cli stats --json gs://bucket/air.zarr/air | jq .mean

These are the stored values: scale_factor and add_offset are not applied, _FillValue and missing_value count like any
other. NaN and NaT are counted and left out of the
rest; elements that equal the fill value are counted and left in. sd is that of the population, as numpy.std has it.
Complex numbers have a mean and a sd, and no order: no min and max.";

const CHECK_EXAMPLES: &str = "\
Examples:
  zarr-cli check ./air.zarr                        metadata only
  zarr-cli check --deep gs://bucket/air.zarr       every chunk too
  zarr-cli check --deep --json ./air.zarr | jq -r 'select(.code==\"ZC040\").key'

Exit code 1: an error was found; warnings alone give 0, but 6 if a node, which is named, could not be read. With --deep
and --json each finding is a line, and the last line sums up.";

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Verb {
    /// Show a node: dimensions, arrays, attributes (the default verb)
    Show(ShowArgs),
    /// List the members of a group, a line each
    #[command(visible_alias = "members")]
    Ls(LsArgs),
    /// Draw the hierarchy
    Tree(TreeArgs),
    /// Tell everything about one node, codecs in words
    Info(InfoArgs),
    /// Print the metadata documents as JSON
    Meta(MetaArgs),
    /// Print values of an array
    #[command(after_help = CAT_EXAMPLES)]
    Cat(CatArgs),
    /// Sum up an array: minimum, mean, maximum, spread, NaN and fill values
    #[command(after_help = STATS_EXAMPLES)]
    Stats(StatsArgs),
    /// Sum up stored bytes, chunks and ratios, by one listing
    Du(DuArgs),
    /// Look for faults in a hierarchy; --deep reads every chunk
    #[command(after_help = CHECK_EXAMPLES)]
    Check(CheckArgs),
    /// Tell how a URL is reached: backend, credentials, listing, ranges
    Doctor(DoctorArgs),
    /// Print a completion script for a shell
    #[command(hide_possible_values = true)]
    Completions {
        /// The shell: bash, zsh, fish, powershell or elvish
        shell: clap_complete::Shell,
    },
    /// Print the manual page, in roff
    #[command(hide = true)]
    Man,
}

/// The node to look at.
#[derive(Debug, Args)]
pub(crate) struct Target {
    /// URL or path of any node: gs://bucket/x.zarr, https://host/x.zarr/air, ./x.zarr
    #[arg(value_name = "URL")]
    pub(crate) url: String,
}

#[derive(Debug, Args)]
pub(crate) struct ShowArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Read no data: no first and last values of coordinates
    #[arg(long)]
    pub(crate) no_values: bool,
    /// Show all attributes
    #[arg(short, long = "attributes")]
    pub(crate) attributes: bool,
}

#[derive(Debug, Args)]
pub(crate) struct LsArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// With data type, shape, chunks and codecs
    #[arg(short, long)]
    pub(crate) long: bool,
    /// All descendants, not only the direct members
    #[arg(short = 'R', long)]
    pub(crate) recursive: bool,
    /// Only arrays
    #[arg(long, conflicts_with = "groups")]
    pub(crate) arrays: bool,
    /// Only groups
    #[arg(long)]
    pub(crate) groups: bool,
}

#[derive(Debug, Args)]
pub(crate) struct TreeArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// At most this many levels below the node
    #[arg(short = 'L', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) level: Option<u64>,
    /// At most this many nodes; says so when it cuts
    #[arg(long, value_name = "N", default_value_t = 1000)]
    pub(crate) max_nodes: usize,
    /// Only ASCII characters
    #[arg(long)]
    pub(crate) ascii: bool,
}

#[derive(Debug, Args)]
pub(crate) struct InfoArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Also what is stored, by one listing: chunks, bytes, ratio
    #[arg(long)]
    pub(crate) stored: bool,
}

#[derive(Debug, Args)]
pub(crate) struct MetaArgs {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Only the attributes
    #[arg(long, conflicts_with = "raw")]
    pub(crate) attrs: bool,
    /// The stored bytes, unchanged
    #[arg(long, conflicts_with = "pointer")]
    pub(crate) raw: bool,
    /// The value at a JSON pointer: /attributes/units
    #[arg(short = 'k', long, value_name = "POINTER")]
    pub(crate) pointer: Option<String>,
}

/// Which elements of an array, and what those of missing chunks are.
#[derive(Debug, Args)]
pub(crate) struct Values {
    #[command(flatten)]
    pub(crate) target: Target,
    /// Which elements: '0:5,::2', '[0, ..., 1:]', 'time=0,lat=:3'
    #[arg(
        short = 'i',
        long = "index",
        value_name = "SELECTION",
        allow_hyphen_values = true
    )]
    pub(crate) index: Option<String>,
    /// What a missing chunk means
    #[arg(long, value_name = "WHAT", value_enum, default_value_t)]
    pub(crate) missing: Missing,
}

#[derive(Debug, Args)]
pub(crate) struct CatArgs {
    #[command(flatten)]
    pub(crate) values: Values,
    /// How to print them
    #[arg(short = 'F', long, value_name = "FORMAT", value_enum, default_value_t)]
    pub(crate) format: CatFormat,
}

#[derive(Debug, Args)]
pub(crate) struct StatsArgs {
    #[command(flatten)]
    pub(crate) values: Values,
}

/// How values are printed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum CatFormat {
    /// A row a line, planes apart by an empty line
    #[default]
    Text,
    /// A row a line, values apart by commas
    Csv,
    /// Nested lists
    Json,
    /// A NumPy file
    Npy,
    /// The bytes: C order, little-endian, packed; of variable length: u32le length, then bytes
    Bin,
}

/// What a missing chunk means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Missing {
    /// The fill value; tells how many there were
    #[default]
    Fill,
    /// An error
    Error,
}

#[derive(Debug, Args)]
pub(crate) struct DuArgs {
    #[command(flatten)]
    pub(crate) target: Target,
}

#[derive(Debug, Args)]
pub(crate) struct CheckArgs {
    /// URL or path of a hierarchy
    #[arg(value_name = "URL", required_unless_present = "list_rules")]
    pub(crate) url: Option<String>,
    /// Also read and decode every chunk, and look for keys that belong to nothing
    #[arg(long, conflicts_with = "list_rules")]
    pub(crate) deep: bool,
    /// With --deep: what a missing chunk means
    #[arg(long, value_name = "WHAT", value_enum, default_value_t, requires = "deep")]
    pub(crate) missing: Missing,
    /// Print the rules: code, severity, meaning
    #[arg(long)]
    pub(crate) list_rules: bool,
}

#[derive(Debug, Args)]
pub(crate) struct DoctorArgs {
    #[command(flatten)]
    pub(crate) target: Target,
}

/// Whether consolidated metadata is used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Consolidated {
    /// Where there is some
    #[default]
    Auto,
    /// Fail without it
    Require,
    /// Never
    Ignore,
}

/// Whether output is coloured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum Color {
    /// On a terminal, unless `NO_COLOR` is set
    #[default]
    Auto,
    /// Always
    Always,
    /// Never
    Never,
}

/// Options of every verb; they may stand before or after it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Options of every verb")]
pub(crate) struct Global {
    /// Storage option under fsspec's name; repeatable
    #[arg(short = 'o', long = "option", value_name = "KEY=VALUE", global = true)]
    pub(crate) options: Vec<String>,
    /// Storage options as a JSON object: a file (@opts.json) or the JSON itself
    #[arg(long, value_name = "@FILE", global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_STORAGE_OPTIONS", hide_env_values = true, hide_env = true)]
    pub(crate) storage_options: Option<String>,
    /// Use no credentials
    #[arg(long, global = true, env = "ZARR_CLI_ANON", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub(crate) anon: bool,
    /// Header for each request to an http(s) server; repeatable
    #[arg(short = 'H', long = "header", value_name = "K: V", global = true)]
    #[arg(env = "ZARR_CLI_HEADER", hide_env_values = true, value_delimiter = None, hide_env = true)]
    pub(crate) headers: Vec<String>,
    /// User and password for an http(s) server
    #[arg(long, value_name = "USER:PASSWORD", global = true, hide_short_help = true)]
    #[arg(
        env = "ZARR_CLI_AUTH",
        hide_env_values = true,
        conflicts_with = "anon",
        hide_env = true
    )]
    pub(crate) auth: Option<String>,
    /// Most requests in flight [default: 224; on macOS 192]
    #[arg(short = 'j', long, value_name = "N", global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_JOBS", value_parser = clap::value_parser!(u64).range(1..=1024), hide_env = true)]
    pub(crate) jobs: Option<u64>,
    /// Give up when the whole command takes longer: 30, 1.5s, 500ms, 2m
    #[arg(
        long,
        value_name = "TIME",
        global = true,
        env = "ZARR_CLI_TIMEOUT",
        hide_env = true
    )]
    #[arg(value_parser = duration)]
    pub(crate) timeout: Option<Duration>,
    /// Look only for nodes of this format
    #[arg(long, value_name = "2|3", global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_ZARR_FORMAT", value_parser = clap::value_parser!(u8).range(2..=3), hide_env = true)]
    pub(crate) zarr_format: Option<u8>,
    /// Whether to use consolidated metadata
    #[arg(long, value_name = "WHEN", global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_CONSOLIDATED", value_enum, default_value_t, hide_env = true)]
    pub(crate) consolidated: Consolidated,
    /// Print JSON: one document, or one a line (ls, check --deep)
    #[arg(long, global = true, env = "ZARR_CLI_JSON", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub(crate) json: bool,
    /// Tell more on stderr; -vv: each request
    #[arg(short, long, global = true, action = clap::ArgAction::Count, hide_short_help = true)]
    pub(crate) verbose: u8,
    /// No warnings
    #[arg(
        short,
        long,
        global = true,
        conflicts_with = "verbose",
        hide_short_help = true
    )]
    #[arg(env = "ZARR_CLI_QUIET", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub(crate) quiet: bool,
    /// When to use colours
    #[arg(long, value_name = "WHEN", global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_COLOR", value_enum, default_value_t, hide_env = true)]
    pub(crate) color: Color,
    /// At exit, a JSON line on stderr: requests, bytes, connections opened and still open
    #[arg(long, global = true, hide_short_help = true)]
    #[arg(env = "ZARR_CLI_IO_STATS", value_parser = FalseyValueParser::new(), hide_env = true)]
    pub(crate) io_stats: bool,
    /// Panics once the node is open: for the tests of what happens then.
    #[arg(long, global = true, hide = true)]
    pub(crate) x_panic: bool,
}

fn duration(text: &str) -> Result<Duration, String> {
    zarr_fs::options::parse_duration(text)
        .filter(|time| !time.is_zero())
        .ok_or_else(|| "expected a time such as 30, 1.5s, 500ms or 2m".to_owned())
}

impl Verb {
    /// The URL that the verb looks at, if it looks at one.
    pub(crate) fn url(&self) -> Option<&str> {
        match self {
            Self::Show(ShowArgs { target, .. })
            | Self::Ls(LsArgs { target, .. })
            | Self::Tree(TreeArgs { target, .. })
            | Self::Info(InfoArgs { target, .. })
            | Self::Meta(MetaArgs { target, .. })
            | Self::Cat(CatArgs {
                values: Values { target, .. },
                ..
            })
            | Self::Stats(StatsArgs {
                values: Values { target, .. },
            })
            | Self::Du(DuArgs { target })
            | Self::Doctor(DoctorArgs { target }) => Some(&target.url),
            Self::Check(args) => args.url.as_deref(),
            Self::Completions { .. } | Self::Man => None,
        }
    }
}

/// Where an option is taken from a file: `@opts.json`.
pub(crate) fn option_file(text: &str) -> Option<PathBuf> {
    text.strip_prefix('@').map(PathBuf::from)
}
