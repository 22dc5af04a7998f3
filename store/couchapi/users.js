function(doc, old, caller, security) {
  // The rules of user documents: whoever may write here makes accounts without roles and changes their own, admins do all.
  // The password is a hash by now.
  function refuse(reason) { throw {forbidden: reason}; }
  function isString(v) { return typeof v === "string"; }

  var admins = security.admins || {};
  var isAdmin = (admins.names || []).indexOf(caller.name) >= 0 || caller.roles.some(function(role) {
    return role === "_admin" || (admins.roles || []).indexOf(role) >= 0;
  });
  if (old && old._deleted) old = null;

  if (doc._deleted) {
    if (!isAdmin && (!old || old.name !== caller.name)) refuse("Only admins may delete other user docs.");
    return;
  }
  if (doc.type !== "user") refuse("doc.type must be user");
  if (!doc.name) refuse("doc.name is required");
  if (doc.roles === undefined || doc.roles === null) refuse("doc.roles must exist");
  if (!Array.isArray(doc.roles)) refuse("doc.roles must be an array");
  if (!doc.roles.every(isString)) refuse("doc.roles can only contain strings");
  if (!isString(doc.name) || doc._id !== "org.couchdb.user:" + doc.name) {
    refuse("Doc ID must be of the form org.couchdb.user:name");
  }
  if (old && old.name !== doc.name) refuse("Usernames can not be changed.");
  if (doc.password_sha && !doc.salt) {
    refuse("Users with password_sha must have a salt.See /_utils/script/couch.js for example code.");
  }
  if (doc.password_scheme && ["simple", "pbkdf2", "simple+pbkdf2"].indexOf(doc.password_scheme) < 0) {
    refuse("Password scheme `" + doc.password_scheme + "` not supported.");
  }
  if (doc.password_scheme === "pbkdf2") {
    if (typeof doc.iterations !== "number") refuse("iterations must be a number.");
    if (!isString(doc.derived_key)) refuse("derived_key must be a string.");
  }
  if (!isAdmin) {
    if (old && doc.name !== caller.name) refuse("You may only update your own user document.");
    if (!old && doc.roles.length > 0) refuse("Only _admin may set roles");
    if (old && JSON.stringify(doc.roles.slice().sort()) !== JSON.stringify(old.roles.slice().sort())) {
      refuse("Only _admin may edit roles");
    }
  }
  if (doc.roles.some(function(role) { return role[0] === "_"; })) {
    refuse("No system roles (starting with underscore) in users db.");
  }
  if (doc.name[0] === "_") refuse("Username may not start with underscore.");
  if (doc.name.indexOf(":") >= 0) refuse("Character `:` is not allowed in usernames.");
}
