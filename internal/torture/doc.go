// Package torture holds no code but a test: clients that write to a real logctl serve which is killed at random moments, again and
// again. LOGCTL_TORTURE is how many times, 200 if it is not set; `make torture` does it 2,000 times. And logs that are written, rotated and shipped
// while everything in between is killed and cut, for LOGCTL_TORTURE_SHIP.
package torture
