using Streams.Core;
using Streams.Mqtt;

namespace Streams.Gateways;

/// <summary>Which retained messages a subscription is sent when it is made.</summary>
internal static class RetainedRule
{
    /// <summary>Whether any are sent for a SUBSCRIBE with this option. MQTT 3.1.1 has no option: it is always the first.</summary>
    public static bool AreSent(MqttRetainHandling handling, bool isNew) => handling switch
    {
        MqttRetainHandling.Send => true,
        MqttRetainHandling.SendIfNew => isNew,
        _ => false,
    };

    /// <summary>Whether the subscription is given the event itself, behind what it has been given so far, or has passed it: then the
    /// retained message is not sent, or it would come twice, and before what is older.</summary>
    /// <param name="subscription">For what.</param>
    /// <param name="head">The retained event.</param>
    /// <param name="position">Where the session is in its lane.</param>
    /// <param name="first">First offset of the lane that is kept here.</param>
    /// <param name="next">Behind the last one that is here.</param>
    public static bool ComesFromLane(Subscription subscription, in RetainedHead head, Offset position, Offset first, Offset next) =>
        head.Offset >= position && head.Offset >= first && head.Offset < next
        && !subscription.IsBefore(head.Lane.Partition, head.Lane.Origin, head.Offset);
}
