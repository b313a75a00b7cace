package main

import "context"

func latency(context.Context, *world) error { return nil }
func cores(context.Context, *world) error   { return nil }
