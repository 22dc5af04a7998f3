/*
 * reasons: how many of an app's lines became no docs, why, on which machine and in which file.
 *
 *   key    [reason, machine, file]; null where the reject does not say it
 *   value  null; reduced by _count, so that group_level 1 to 3 counts by reason, machine and file
 *
 * What is no reject, a doc without a line, gives no row.
 */
function (doc) {
  if (typeof doc.line !== "string" && typeof doc.line_base64 !== "string") { return; }
  var reason = typeof doc.reason === "string" ? doc.reason : null;
  var machine = typeof doc.machine === "string" ? doc.machine : null;
  var file = typeof doc.file === "string" ? doc.file : null;
  emit([reason, machine, file], null);
}
