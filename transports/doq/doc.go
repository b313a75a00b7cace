// Package doq is DNS over QUIC.
package doq
