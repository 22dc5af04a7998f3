// Package kernel is a source of the kernel's messages: the records of its ring, /dev/kmsg
// (https://www.kernel.org/doc/Documentation/ABI/testing/dev-kmsg).
//
//	6,339,5140900,-;NET: Registered PF_INET6 protocol family
//	 SUBSYSTEM=net
//
// A record is priority, sequence number, microseconds and flags, the text, and on lines of their own what is known of a device. It
// becomes a line of syslog's (RFC 5424), so that whatever reads the kernel's messages in a log reads it, too:
//
//	<6>1 2026-11-26T10:05:44.140900Z web1 kernel - - [kmsg SUBSYSTEM="net"] NET: Registered PF_INET6 protocol family
//
// What is no printable ASCII is escaped in a record (\xc3\xa9) and is bytes in the line; control characters but the tab stay
// escaped, so that a line is one.
//
// The position, the mark "kernel/position", is the boot's id and the last sequence number that was taken. With it goes the
// second at which the machine started as it was known when the first record of the boot was read: it makes the times, and a record
// that is read again must get the same. So it is kept before anything else is taken. The kernel's own clock is not corrected while the machine runs;
// times are off by as much as those of dmesg -T.
package kernel
