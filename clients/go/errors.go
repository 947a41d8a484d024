package keybearer

// A Code names an error; errors.Is(err, keybearer.AuthRequired) compares it. Keybearer's README explains each.
type Code string

// The errors that a program should expect.
const (
	AuthRequired        Code = "auth_required"        // a person has to sign in: show the Action
	AuthInProgress      Code = "auth_in_progress"     // somebody is signing in: try again soon
	ConsentRequired     Code = "consent_required"     // somebody has to be asked, and can't be now
	ConsentDenied       Code = "consent_denied"       // the person said no
	ProfileNotFound     Code = "profile_not_found"    // no account has this name or address
	ScopeUnavailable    Code = "scope_unavailable"    // the sign-in doesn't cover it: show the Action
	ResourceMismatch    Code = "resource_mismatch"    // the request goes to another server than the account's
	NoTokenNeeded       Code = "no_token_needed"      // there is no bare token: use a Transport
	ProviderUnreachable Code = "provider_unreachable" // try again later
	AgentLocked         Code = "agent_locked"         // a person has to unlock it
	Paused              Code = "paused"               // a person has paused it
	AgentUnreachable    Code = "agent_unreachable"    // nobody listens, or somebody else does
)

func (c Code) Error() string { return "keybearer: " + string(c) }

// An Error is what the agent says against a question. Its Message is one line for people.
type Error struct {
	Message string `json:"message"`
	Data    `json:"data"`
}

// Data is what programs read of an error.
type Data struct {
	Code Code `json:"name"`
	// Reason is the exact rule or event, such as "more_access_needed", if there is one.
	Reason string `json:"reason"`
	// Action is what the user can do, such as "keybearer sign-in work", if anything.
	Action string `json:"action"`
	// Retryable tells whether the same may work later by itself; RetryAfterMs when, if that is known.
	Retryable    bool  `json:"retryable"`
	RetryAfterMs int64 `json:"retry_after_ms"`
}

func (e *Error) Error() string {
	if e.Action != "" {
		return "keybearer: " + e.Message + " (what to do: " + e.Action + ")"
	}
	return "keybearer: " + e.Message
}

// Is tells whether this is an error of that [Code].
func (e *Error) Is(target error) bool { return target == error(e.Code) }

func unreachable(problem, action string) *Error {
	return &Error{problem, Data{Code: AgentUnreachable, Action: action}}
}
