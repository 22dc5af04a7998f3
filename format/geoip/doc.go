// Package geoip tells what is known of an address without asking anybody: its kind where it belongs to nobody in particular
// (Kind), the network that it is in (Network), and, by databases in the MaxMind DB format, its country and the autonomous
// system that announces it (DB). DB.Extend adds all of it to a doc.
//
// Databases are files with the members of GeoLite2 and GeoIP2, which DB-IP's have too, or flat ones with country_code, asn and
// as_name; record.go has them all. One file mostly has either a country or a system, so a DB is several. A file that is replaced is read again within a second of the next look-up; one that can't be read leaves the
// old one in use.
//
// What is looked up most is remembered: within a bound, an address that came lately costs no look-up and no allocation.
package geoip
