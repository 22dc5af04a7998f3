/*
 * attackers: how often each address attacked, first and last when, between any two times.
 *
 *   keys   ["day", year, month, day, ip, process, machine], ["month", year, month, ip, process, machine] and
 *          ["year", year, ip, process, machine]
 *   value  the time: milliseconds from 1970 to the wall clock that the log shows, as if it were UTC's
 *   reduce _stats: per group count, min (first seen) and max (last seen)
 *
 * Time comes first in the key, so that a range of keys is a window of time, and the address next, so that group=true
 * gives a row per address (and process and machine) however many docs it has, and a group_level that ends behind the address one per
 * address. One resolution alone would not do: days only make a year cost 365 rows for each address, years only can't begin within
 * one. With three, a window is cut into whole years, whole months and days before and after them, and a day at each end of which only a
 * part counts; rows of the latter are read one by one (reduce=false) and chosen by their value. So a question costs about
 * the rows of its answer, on any CouchDB. Each resolution is one more row a doc.
 *
 * Which docs are attacks and how the time is read is the same as in attacks; a doc without an hour counts as midnight. The process is
 * the jail, or the application that a line was written by.
 */
function (doc) {
  if (typeof doc.ip !== "string" || doc.ip === "") { return; }
  if (doc.outcome !== "failure" && doc.event !== undefined && doc.event !== null && doc.event !== "ban") { return; }
  var date = typeof doc.date === "string" ? doc.date : doc.time;
  if (typeof date !== "string" || date.charAt(4) !== "-" || date.charAt(7) !== "-") { return; }
  var y = +date.slice(0, 4), m = +date.slice(5, 7), d = +date.slice(8, 10);
  if (!(y >= 1000 && m >= 1 && m <= 12 && d >= 1 && d <= 31)) { return; }
  if (d > 28 && new Date(Date.UTC(y, m - 1, d)).getUTCDate() !== d) { return; }
  var hour = typeof doc.hour === "string" && typeof doc.date === "string" ? doc.hour : date.slice(11);
  var ms = Date.UTC(y, m - 1, d);
  var h = hour.charAt(2) === ":" ? +hour.slice(0, 2) : -1;
  if ((h | 0) === h && h >= 0 && h < 24) {
    ms += h * 3600000;
    var min = +hour.slice(3, 5), s = +hour.slice(6, 8), frac = hour.slice(9, 12);
    if (min >= 0 && min < 60) { ms += Math.floor(min) * 60000; }
    if (hour.charAt(5) === ":" && s >= 0 && s < 60) { ms += Math.floor(s) * 1000; }
    if ((hour.charAt(8) === "," || hour.charAt(8) === ".") && frac.length === 3 && +frac >= 0 && +frac < 1000) { ms += Math.floor(+frac); }
  }
  var process = doc.process !== undefined ? doc.process : doc.application !== undefined ? doc.application : null;
  var machine = doc.machine === undefined ? null : doc.machine;
  emit(["day", y, m, d, doc.ip, process, machine], ms);
  emit(["month", y, m, doc.ip, process, machine], ms);
  emit(["year", y, doc.ip, process, machine], ms);
}
