/*
 * attacks: how many attacks on each machine in each year, month, day and hour.
 *
 *   key    [machine, year, month 1-12, day, hour]; without the hour where the doc does not tell one
 *   value  null; reduced by _count, so that group_level 1 to 5 counts by machine, year, month, day and hour
 *
 * A doc is an attack if it has an address (ip) and its outcome is "failure", as of a login that failed, or its event is "ban", or it has
 * no event at all, as docs made before there were events: "found" leads to a ban, "unban" and "restore" follow one. A doc
 * without a machine has null in its place.
 *
 * The key is cut out of the doc's text, date "2017-06-14" and hour "17:16:12,329", or time "2017-06-14T17:16:12Z" where there
 * is no date. It is the wall clock that the log shows: no Date is parsed or printed, so the server's time zone is nowhere in
 * it. A date that no calendar has gives no row.
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
  var h = hour.charAt(2) === ":" ? +hour.slice(0, 2) : -1;
  var machine = doc.machine === undefined ? null : doc.machine;
  emit((h | 0) === h && h >= 0 && h < 24 ? [machine, y, m, d, h] : [machine, y, m, d], null);
}
