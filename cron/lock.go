package cron

import "path/filepath"

// LockPath is the lock of an app's runs below dir, the data directory; flock.Lock takes it.
func LockPath(dir, app string) string { return filepath.Join(dir, "lock", unitName(app)) }
