package main

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"net/mail"
	"regexp"
	"slices"
	"time"

	"go.mongodb.org/mongo-driver/v2/bson"
	"go.mongodb.org/mongo-driver/v2/mongo"
	"go.mongodb.org/mongo-driver/v2/mongo/options"
	"golang.org/x/crypto/bcrypt"
)

// user is a document of the collection users, as far as anything here needs it.
type user struct {
	ID        string    `bson:"_id"`
	CreatedAt time.Time `bson:"createdAt"`
	Username  string    `bson:"username"`
	Name      string    `bson:"name"`
	Emails    []email   `bson:"emails"`
	Type      string    `bson:"type"`
	Active    bool      `bson:"active"`
	Roles     []string  `bson:"roles"`
	Services  services  `bson:"services"`
}

type email struct {
	Address  string `bson:"address" json:"address"`
	Verified bool   `bson:"verified" json:"verified"`
}

type services struct {
	Password struct {
		Bcrypt string `bson:"bcrypt"`
	} `bson:"password"`
	Resume struct {
		LoginTokens []loginToken `bson:"loginTokens"`
	} `bson:"resume"`
}

type loginToken struct {
	When        time.Time `bson:"when"`
	HashedToken string    `bson:"hashedToken"`
}

func (u *user) is(role string) bool { return slices.Contains(u.Roles, role) }

func (a *app) users() *mongo.Collection { return a.db.Collection("users") }

// initialData follows server/startup/initialData.ts and cloudRegistration.ts
// (§4): ADMIN_PASS makes an administrator when there is none; without any the
// oldest user becomes one; and the setup wizard goes on unless its setting is
// overwritten.
func (a *app) initialData(ctx context.Context) error {
	unique := mongo.IndexModel{Keys: bson.D{{Key: "username", Value: 1}}, Options: options.Index().SetUnique(true)}
	if _, err := a.users().Indexes().CreateOne(ctx, unique); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	admin, err := a.hasAdmin(ctx)
	if err != nil {
		return err
	}
	if a.env["ADMIN_PASS"] != "" && !admin {
		if err := a.firstAdmin(ctx); err != nil {
			return err
		}
	} else if !admin {
		if err := a.promoteOldest(ctx); err != nil {
			return err
		}
	}
	if admin, err = a.hasAdmin(ctx); err != nil {
		return err
	}
	wizard := a.settings.text("Show_Setup_Wizard")
	_, overwritten := a.env["OVERWRITE_SETTING_Show_Setup_Wizard"]
	if admin && wizard == "pending" || wizard == "completed" && !overwritten {
		if err := a.set(ctx, "Show_Setup_Wizard", "in_progress"); err != nil {
			return err
		}
	}
	if a.env["REG_TOKEN"] != "" {
		a.log.info("Cloud", "registration token given; the lab has no cloud to register with")
	}
	a.settings, err = a.readSettings(ctx)
	return err
}

func (a *app) hasAdmin(ctx context.Context) (bool, error) {
	n, err := a.users().CountDocuments(ctx, bson.D{{Key: "roles", Value: "admin"}, {Key: "type", Value: "user"}})
	if err != nil {
		return false, fmt.Errorf("users: %w", err)
	}
	return n > 0, nil
}

// firstAdmin makes the administrator of ADMIN_*. A name or address that is not
// valid is logged and left out, as Rocket.Chat does; the password is in no log.
func (a *app) firstAdmin(ctx context.Context) error {
	a.log.printf("Inserting admin user:")
	u := user{Username: "admin", Name: "Administrator", Roles: []string{"admin"}}
	if v := a.env["ADMIN_NAME"]; v != "" {
		u.Name = v
	}
	if v := a.env["ADMIN_USERNAME"]; v != "" {
		if regexp.MustCompile(`^[0-9a-zA-Z-_.]+$`).MatchString(v) {
			u.Username = v
		} else {
			a.log.printf("Username provided is invalid; Ignoring environment variables ADMIN_USERNAME")
		}
	}
	if v := a.env["ADMIN_EMAIL"]; v != "" {
		if _, err := mail.ParseAddress(v); err == nil {
			u.Emails = []email{{Address: v, Verified: a.env["ADMIN_EMAIL_VERIFIED"] == "true"}}
		} else {
			a.log.printf("Email provided is invalid; Ignoring environment variables ADMIN_EMAIL")
		}
	}
	err := a.insertUser(ctx, &u, a.env["ADMIN_PASS"])
	if err != nil && !errors.Is(err, errTaken) { // taken: another instance was faster
		return err
	}
	a.log.printf("Name: %s\nUsername: %s", u.Name, u.Username)
	return nil
}

func (a *app) promoteOldest(ctx context.Context) error {
	var oldest user
	err := a.users().FindOne(ctx, bson.D{{Key: "type", Value: "user"}}, options.FindOne().SetSort(bson.D{{Key: "createdAt", Value: 1}})).Decode(&oldest)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	if _, err := a.users().UpdateOne(ctx, bson.D{{Key: "_id", Value: oldest.ID}}, bson.D{{Key: "$addToSet", Value: bson.D{{Key: "roles", Value: "admin"}}}}); err != nil {
		return fmt.Errorf("users: %w", err)
	}
	a.log.printf("No admins are found. Set %s as admin for being the oldest user", oldest.Username)
	return nil
}

// errTaken is a name that another user has.
var errTaken = errors.New("username is already in use")

// insertUser adds a person, with a password hashed as Meteor does: bcrypt of the
// hexadecimal SHA-256.
func (a *app) insertUser(ctx context.Context, u *user, password string) error {
	hash, err := bcrypt.GenerateFromPassword(digest(password), bcrypt.DefaultCost)
	if err != nil {
		return fmt.Errorf("password: %w", err)
	}
	u.ID, u.CreatedAt, u.Type, u.Active = rand.Text()[:17], time.Now(), "user", true
	if u.Emails == nil {
		u.Emails = []email{}
	}
	u.Services.Password.Bcrypt = string(hash)
	u.Services.Resume.LoginTokens = []loginToken{}
	_, err = a.users().InsertOne(ctx, u)
	if mongo.IsDuplicateKeyError(err) {
		return errTaken
	}
	if err != nil {
		return fmt.Errorf("users: %w", err)
	}
	return nil
}

func digest(password string) []byte {
	sum := sha256.Sum256([]byte(password))
	return []byte(hex.EncodeToString(sum[:]))
}

// errUnauthorized is any login that fails; which part was wrong is not said.
var errUnauthorized = errors.New("unauthorized")

// login checks a password and gives a token that every instance knows.
func (a *app) login(ctx context.Context, name, password string) (*user, string, error) {
	var u user
	err := a.users().FindOne(ctx, bson.D{{Key: "$or", Value: bson.A{
		bson.D{{Key: "username", Value: name}}, bson.D{{Key: "emails.address", Value: name}},
	}}}).Decode(&u)
	if errors.Is(err, mongo.ErrNoDocuments) {
		return nil, "", errUnauthorized
	}
	if err != nil {
		return nil, "", fmt.Errorf("users: %w", err)
	}
	if bcrypt.CompareHashAndPassword([]byte(u.Services.Password.Bcrypt), digest(password)) != nil {
		return nil, "", errUnauthorized
	}
	token := rand.Text()
	_, err = a.users().UpdateOne(ctx, bson.D{{Key: "_id", Value: u.ID}},
		bson.D{{Key: "$push", Value: bson.D{{Key: "services.resume.loginTokens", Value: loginToken{time.Now(), hashToken(token)}}}}})
	if err != nil {
		return nil, "", fmt.Errorf("users: %w", err)
	}
	return &u, token, nil
}

// authenticated is the user of X-User-Id and X-Auth-Token.
func (a *app) authenticated(ctx context.Context, id, token string) (*user, error) {
	var u user
	err := a.users().FindOne(ctx, bson.D{{Key: "_id", Value: id}}).Decode(&u)
	if err != nil && !errors.Is(err, mongo.ErrNoDocuments) {
		return nil, fmt.Errorf("users: %w", err)
	}
	known := func(t loginToken) bool { return t.HashedToken == hashToken(token) }
	if err != nil || token == "" || !slices.ContainsFunc(u.Services.Resume.LoginTokens, known) {
		return nil, errUnauthorized
	}
	return &u, nil
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return base64.StdEncoding.EncodeToString(sum[:])
}
