package ejson

import "strconv"

// A reject is a line that became no doc, kept as one:
//
//	{"line":"…","machine":"web1","reason":"no fit","detail":"…","file":"/var/log/x.log","time":"2026-11-26T00:41:27Z"}
//
// line_base64 stands in the place of line where that is not UTF-8, and "cut":true says that it is the beginning of a longer one.
// Its id is the content id of these and the machine alone: the same line, met again in a renamed file or with another schema, is
// the same reject, as often as it comes in a run. A doc without a line is no reject, and its id that of any doc.
var rejectMembers = [...]string{"line", "line_base64", "machine", "cut"}

// AppendRejectID appends the id of a reject, n as in AppendContentID. body is in stored form.
func AppendRejectID(dst, body []byte, n uint32) []byte {
	return AppendContentID(dst, rejectIdentity(body), n)
}

// CheckRejectID tells whether id is one that AppendRejectID gives to body, with any n.
func CheckRejectID(id string, body []byte) bool { return CheckContentID(id, rejectIdentity(body)) }

// rejectIdentity is the doc of those members that a reject's id follows from.
func rejectIdentity(body []byte) []byte {
	out := make([]byte, 1, len(body)+1)
	out[0] = '{'
	isReject := false
	for _, name := range rejectMembers {
		_ = Members(body, func(key, value []byte) error { // what is no object has none
			if string(key) != name {
				return nil
			}
			if len(out) > 1 {
				out = append(out, ',')
			}
			isReject = isReject || name != "machine" && name != "cut"
			out = append(strconv.AppendQuote(out, name), ':')
			out = append(out, value...)
			return nil
		})
	}
	if !isReject {
		return body
	}
	return append(out, '}')
}
