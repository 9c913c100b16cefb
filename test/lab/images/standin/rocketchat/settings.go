package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"go.mongodb.org/mongo-driver/v2/bson"
)

// settings are the workspace's, as they were when this instance started.
type settings struct{ values map[string]any }

func (s *settings) text(id string) string {
	return fmt.Sprint(s.values[id])
}

func (s *settings) boolean(id string) bool {
	b, ok := s.values[id].(bool)
	return ok && b
}

// defaults are the settings that the stand-in knows, by type as much as by
// value: an environment variable is converted to the type (§4).
func defaults() map[string]any {
	d := map[string]any{
		"Show_Setup_Wizard": "pending", "Site_Name": "Rocket.Chat", "Site_Url": "",
		"Organization_Type": "", "Organization_Name": "", "Industry": "", "Size": "", "Country": "",
		"Prometheus_Enabled": false, "Prometheus_Port": int32(9458),
		"Troubleshoot_Disable_Instance_Broadcast": false,
		"FileUpload_Storage_Type":                 "GridFS",
		"SMTP_Protocol":                           "smtp", "SMTP_Host": "", "SMTP_Port": "", "SMTP_IgnoreTLS": true, "SMTP_Pool": true,
		"SMTP_Username": "", "SMTP_Password": "", "From_Email": "", "Accounts_RegistrationForm": "Public",
	}
	for _, id := range []string{"Bucket", "AWSAccessKeyId", "AWSSecretAccessKey", "Region", "BucketURL", "Acl", "CDN"} {
		d["FileUpload_S3_"+id] = ""
	}
	for _, id := range []string{"Bucket", "AccessId", "Secret", "ProjectId"} {
		d["FileUpload_GoogleStorage_"+id] = ""
	}
	for _, id := range []string{"Avatars", "Uploads", "UserDataFiles"} {
		d["FileUpload_S3_Proxy_"+id], d["FileUpload_GoogleStorage_Proxy_"+id] = false, false
	}
	d["FileUpload_S3_ForcePathStyle"] = false
	return d
}

// loadSettings seeds what is absent, from a bare variable or the default, and
// lets OVERWRITE_SETTING_ win at every boot (§4). A value that does not fit its
// setting's type is only logged.
func (a *app) loadSettings(ctx context.Context) (*settings, error) {
	known := defaults()
	for _, id := range slices.Sorted(maps.Keys(known)) {
		initial := known[id]
		if v, ok := a.env[id]; ok {
			initial = a.convert(id, v, initial)
		}
		if err := a.seed(ctx, id, initial); err != nil {
			return nil, err
		}
	}
	if err := a.seed(ctx, "uniqueID", rand.Text()[:17]); err != nil {
		return nil, err
	}
	for _, name := range slices.Sorted(maps.Keys(a.env)) {
		id, ok := strings.CutPrefix(name, "OVERWRITE_SETTING_")
		if !ok {
			continue
		}
		otherwise, ok := known[id]
		if !ok {
			continue // Rocket.Chat's many others have no effect here
		}
		if err := a.set(ctx, id, a.convert(id, a.env[name], otherwise)); err != nil {
			return nil, err
		}
	}
	return a.readSettings(ctx)
}

func (a *app) readSettings(ctx context.Context) (*settings, error) {
	cursor, err := a.db.Collection("rocketchat_settings").Find(ctx, bson.D{})
	if err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	var all []struct {
		ID    string `bson:"_id"`
		Value any    `bson:"value"`
	}
	if err := cursor.All(ctx, &all); err != nil {
		return nil, fmt.Errorf("settings: %w", err)
	}
	s := &settings{values: make(map[string]any, len(all))}
	for _, one := range all {
		s.values[one.ID] = one.Value
	}
	return s, nil
}

// seed gives a setting its value unless it has one.
func (a *app) seed(ctx context.Context, id string, value any) error {
	if err := upsert(ctx, a.db.Collection("rocketchat_settings"), id, bson.D{{Key: "$setOnInsert", Value: bson.D{{Key: "value", Value: value}}}}); err != nil {
		return fmt.Errorf("setting %s: %w", id, err)
	}
	return nil
}

func (a *app) set(ctx context.Context, id string, value any) error {
	if err := upsert(ctx, a.db.Collection("rocketchat_settings"), id, bson.D{{Key: "$set", Value: bson.D{{Key: "value", Value: value}}}}); err != nil {
		return fmt.Errorf("setting %s: %w", id, err)
	}
	return nil
}

// convert reads a variable as its setting's type.
func (a *app) convert(id, v string, otherwise any) any {
	switch otherwise.(type) {
	case bool:
		if v == "true" || v == "false" {
			return v == "true"
		}
	case int32:
		if n, err := strconv.ParseInt(v, 10, 32); err == nil {
			return int32(n)
		}
	default:
		return v
	}
	a.log.info("Settings", "Error converting value for setting "+id+" expected another type")
	return otherwise
}
