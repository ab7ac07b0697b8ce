// SPDX-License-Identifier: Apache-2.0

package audit

import "github.com/airlock-dev/airlock/api/v1alpha1"

// schemaVersion is the version of OCSF (https://schema.ocsf.io) that the data follows.
const schemaVersion = "1.5.0"

// class is an OCSF event class with its category.
type class struct {
	category, uid          int
	categoryName, nameText string
}

var (
	scriptActivity    = class{1, 1009, "System Activity", "Script Activity"}
	complianceFinding = class{2, 2003, "Findings", "Compliance Finding"}
	entityManagement  = class{3, 3004, "Identity & Access Management", "Entity Management"}
	apiActivity       = class{6, 6003, "Application Activity", "API Activity"}
)

// activity is one of a class's activities; 99 is OCSF's Other, with a name of ours.
type activity struct {
	id   int
	name string
}

const otherActivity = 99

// severity is OCSF's severity_id.
type severity int

const (
	informational severity = 1
	medium        severity = 3
	high          severity = 4
)

// outcome is OCSF's status_id.
type outcome int

const (
	success outcome = 1
	failure outcome = 2
)

func (o outcome) String() string {
	if o == success {
		return "Success"
	}
	return "Failure"
}

// Event is the data of a record: the attributes of OCSF that Airlock sets. What
// OCSF has no attribute for is in Unmapped, as OCSF wants it.
type Event struct {
	ActivityID   int         `json:"activity_id"`
	ActivityName string      `json:"activity_name"`
	CategoryName string      `json:"category_name"`
	CategoryUID  int         `json:"category_uid"`
	ClassName    string      `json:"class_name"`
	ClassUID     int         `json:"class_uid"`
	TypeUID      int         `json:"type_uid"`
	SeverityID   int         `json:"severity_id"`
	StatusID     int         `json:"status_id"`
	Status       string      `json:"status"`
	Time         int64       `json:"time"`
	Message      string      `json:"message"`
	Metadata     Metadata    `json:"metadata"`
	Device       *Device     `json:"device,omitempty"`
	Script       *Script     `json:"script,omitempty"`
	Actor        *Actor      `json:"actor,omitempty"`
	API          *API        `json:"api,omitempty"`
	SrcEndpoint  *Endpoint   `json:"src_endpoint,omitempty"`
	Resources    []Resource  `json:"resources,omitempty"`
	Entity       *Entity     `json:"entity,omitempty"`
	FindingInfo  *Finding    `json:"finding_info,omitempty"`
	Compliance   *Compliance `json:"compliance,omitempty"`
	Unmapped     Details     `json:"unmapped"`
}

// Metadata is OCSF's object of that name.
type Metadata struct {
	CorrelationUID string  `json:"correlation_uid,omitempty"`
	Product        Product `json:"product"`
	Version        string  `json:"version"`
}

// Product is OCSF's object of that name.
type Product struct {
	Name       string `json:"name"`
	VendorName string `json:"vendor_name"`
}

// Device stands for the cluster.
type Device struct {
	Type   string `json:"type"`
	TypeID int    `json:"type_id"`
}

// Script is OCSF's object of that name.
type Script struct {
	Hashes  []Fingerprint `json:"hashes"`
	Content LongString    `json:"script_content"`
	Type    string        `json:"type"`
	TypeID  int           `json:"type_id"`
	UID     string        `json:"uid"`
}

// Fingerprint is OCSF's object of that name.
type Fingerprint struct {
	Algorithm   string `json:"algorithm"`
	AlgorithmID int    `json:"algorithm_id"`
	Value       string `json:"value"`
}

// LongString is OCSF's object of that name. Sizes are in bytes.
type LongString struct {
	IsTruncated     bool   `json:"is_truncated"`
	UntruncatedSize int    `json:"untruncated_size,omitempty"`
	Value           string `json:"value"`
}

// Actor is who did it, as the API server authenticated it.
type Actor struct {
	User User `json:"user"`
}

// User is OCSF's object of that name.
type User struct {
	Name   string  `json:"name"`
	UID    string  `json:"uid,omitempty"`
	Groups []Group `json:"groups,omitempty"`
}

// Group is OCSF's object of that name.
type Group struct {
	Name string `json:"name"`
}

// API is OCSF's object of that name.
type API struct {
	Operation string  `json:"operation"`
	Service   Service `json:"service"`
}

// Service is OCSF's object of that name.
type Service struct {
	Name string `json:"name"`
}

// Endpoint is OCSF's network endpoint. The operator does not see a caller's
// address; the API server's own audit log has it.
type Endpoint struct {
	ServiceName string `json:"svc_name"`
}

// Resource is OCSF's resource details.
type Resource struct {
	Name      string `json:"name"`
	Namespace string `json:"namespace,omitempty"`
	Type      string `json:"type"`
	UID       string `json:"uid,omitempty"`
}

// Entity is OCSF's managed entity.
type Entity struct {
	Name    string `json:"name"`
	Type    string `json:"type"`
	UID     string `json:"uid,omitempty"`
	Version string `json:"version,omitempty"`
}

// Finding is OCSF's finding information.
type Finding struct {
	Title string `json:"title"`
	UID   string `json:"uid"`
}

// Compliance is OCSF's object of that name.
type Compliance struct {
	Control   string   `json:"control"`
	Standards []string `json:"standards"`
	Status    string   `json:"status"`
	StatusID  int      `json:"status_id"`
}

func newEvent(c class, a activity, s severity, o outcome, message string) Event {
	return Event{
		ActivityID: a.id, ActivityName: a.name,
		CategoryName: c.categoryName, CategoryUID: c.category, ClassName: c.nameText, ClassUID: c.uid,
		TypeUID: c.uid*100 + a.id, SeverityID: int(s), StatusID: int(o), Status: o.String(),
		Message:  text(message, maxMessage),
		Metadata: Metadata{Product: Product{Name: "Airlock", VendorName: "airlock.dev"}, Version: schemaVersion},
	}
}

// cluster is the device of a Script Activity.
var cluster = Device{Type: "Kubernetes cluster", TypeID: otherActivity}

// scriptTypes are OCSF's script.type_id.
var scriptTypes = map[v1alpha1.Language]int{v1alpha1.Python: 3, v1alpha1.JavaScript: 4, v1alpha1.Bash: 6}

// scriptOf describes code. Its text is given in the record of the submission only.
func scriptOf(code v1alpha1.Code, uid string) *Script {
	id, ok := scriptTypes[code.Language]
	if !ok {
		id = otherActivity
	}
	return &Script{
		Hashes:  []Fingerprint{{Algorithm: "SHA-256", AlgorithmID: 3, Value: hexSHA256([]byte(code.Source))}},
		Content: LongString{IsTruncated: true, UntruncatedSize: len(code.Source)},
		Type:    string(code.Language), TypeID: id, UID: uid,
	}
}
