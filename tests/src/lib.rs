//! Servers and helpers for the workspace's tests.
