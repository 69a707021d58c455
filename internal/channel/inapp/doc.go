// Package inapp keeps cards for customers to find inside the wallet: in its app, its
// mini-programs and its pages.
//
// Sending is putting a card into the customer's inbox: once it is durable, it is sent. The
// key of the attempt is the card's name, so that putting it in twice makes one card for as
// long as cards are kept. What became of it is told by the app that fetches and shows it,
// through the API; there is no provider who could report it.
//
// A card is due until it is answered, dismissed or of no more use. Dismissed is not
// answered: it says nothing but that the customer doesn't want to see the card.
//
// The package knows nothing of programs, policies or how questionnaires are made. The texts
// of a card are sealed under a key of the customer's, by a Sealer it is handed.
package inapp
