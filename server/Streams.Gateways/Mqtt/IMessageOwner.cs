namespace Streams.Gateways;

/// <summary>Who gave a message to a session without the session having read it.</summary>
internal interface IMessageOwner
{
    /// <summary>The client has the message, or will not be sent it. Called by the session's delivery loop; must return at once.</summary>
    void Done(long ticket);
}
