export const TEACHING_IMAGE='/dev/null'; export const TEACHING_MARKERS={ready:'',prompt:'',powerOff:''};
