// Package rpz is response policy zones.
package rpz
