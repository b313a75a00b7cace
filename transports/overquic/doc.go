// Package overquic is what doors over QUIC share.
package overquic
